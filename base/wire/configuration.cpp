#include "base/wire/configuration.hpp"

#include <algorithm>
#include <functional>

namespace ww::wire {

namespace {

bool is_list(const std::vector<NodeId>& nodes) {
  return nodes.size() <= kMaxVoters &&
         std::adjacent_find(nodes.begin(), nodes.end(), std::greater_equal<>()) == nodes.end() &&
         (nodes.empty() || nodes.front() != kNobody);
}

bool meets(const std::vector<NodeId>& a, const std::vector<NodeId>& b) {
  return std::any_of(a.begin(), a.end(),
                     [&](NodeId id) { return std::binary_search(b.begin(), b.end(), id); });
}

}  // namespace

bool is_sound(const Configuration& c) {
  if (!is_list(c.voters) || !is_list(c.next) || !is_list(c.learners)) return false;
  if (c.voters.empty() && !(c.next.empty() && c.learners.empty())) return false;
  return !meets(c.learners, c.voters) && !meets(c.learners, c.next);
}

void encode_configuration(std::string& out, const Configuration& c) {
  Encoder encoder(out);
  c.fields(c, encoder);
}

Configuration read_configuration(ByteReader& in) {
  Configuration c;
  Decoder decoder(in);
  c.fields(c, decoder);
  if (in.ok() && !is_sound(c)) in.fail();
  return c;
}

Result<Configuration> decode_configuration(std::string_view bytes) {
  ByteReader in(bytes);
  Configuration c = read_configuration(in);
  if (!in.done()) return Error{ErrorCode::kCorrupt, true, "a configuration that does not decode"};
  return c;
}

std::string_view name_of(MembershipMode mode) {
  return mode == MembershipMode::kJoint ? "joint" : "single";
}

}  // namespace ww::wire
