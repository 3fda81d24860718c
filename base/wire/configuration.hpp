// Who is in a cluster: what an entry of kind `configuration` says, and a snapshot's configuration.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/wire/fields.hpp"

namespace ww::wire {

/// The members of a cluster (Raft paper, section 6). Lists are sorted and name nobody twice.
struct Configuration {
  std::vector<NodeId> voters;    // while joint: of C_old
  std::vector<NodeId> next;      // of C_new while joint, else empty
  std::vector<NodeId> learners;  // are sent the log and count for nothing; no voters
  friend bool operator==(const Configuration&, const Configuration&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("old", s.voters), v("new", s.next), v("learners", s.learners);
  }
};

/// No configuration has more voters, nor more learners.
inline constexpr std::size_t kMaxVoters = 31;

/// Whether the lists are sorted, bounded and apart, and there are voters where there is anybody.
[[nodiscard]] bool is_sound(const Configuration& c);

/// An entry's payload: the three lists, each a varint length and varint node numbers.
void encode_configuration(std::string& out, const Configuration& c);
/// Errors: kCorrupt, definite: not exactly one sound configuration.
Result<Configuration> decode_configuration(std::string_view bytes);
/// The same at the beginning of more; `in` fails where it does not decode.
Configuration read_configuration(ByteReader& in);

/// How the voters are exchanged: by joint consensus, any number at once (paper, section 6), or one
/// at a time (dissertation, 4.1).
enum class MembershipMode : std::uint8_t { kJoint, kSingle };
template <>
struct EnumSize<MembershipMode> {
  static constexpr std::uint64_t value = 2;
};
std::string_view name_of(MembershipMode mode);

}  // namespace ww::wire
