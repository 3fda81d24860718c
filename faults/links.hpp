// The state of all directed links, and what becomes of each message on them.
//
// Every world asks the table about every message: once when the message is sent (`decide`), and
// again when it is due (`may_deliver`), because a cut also holds for what is in flight. Nothing
// here knows sockets or time; a decision is a function of the seed, the fault and the message's
// content: source, destination, type, term, content, and how many identical ones the same fault has
// seen before.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/ids.hpp"
#include "base/rng.hpp"
#include "base/time.hpp"
#include "base/wire/envelope.hpp"

namespace ww::faults {

/// A directed link between nodes.
struct Link {
  NodeId from;
  NodeId to;
  friend constexpr auto operator<=>(const Link&, const Link&) = default;
};

inline constexpr std::size_t kMessageTypes = wire::EnumSize<wire::MessageType>::value;

/// Messages that one fault met, by type.
struct LinkCounts {
  using ByType = std::array<std::uint64_t, kMessageTypes>;
  ByType blocked{};  // by a cut, when sent or when due
  ByType dropped{};
  ByType delayed{};
  ByType duplicated{};
  ByType reordered{};
  friend bool operator==(const LinkCounts&, const LinkCounts&) = default;
};

/// Messages between nodes: votes, appends, their replies.
std::uint64_t consensus_messages(const LinkCounts::ByType& counts);
/// All of them, clients' included.
std::uint64_t all_messages(const LinkCounts::ByType& counts);

/// What happens to the messages on some links.
struct PacketRule {
  Duration delay{};   // every message, by itself: jitter alone can make one overtake another
  Duration jitter{};  // delay is uniform in [delay - jitter, delay + jitter], not below 0
  std::uint32_t drop_ppm = 0;
  std::uint32_t duplicate_ppm = 0;
  std::uint32_t reorder_ppm = 0;
  Duration lag = milliseconds(1);  // a copy or a reordered message comes up to this much later
  std::vector<wire::MessageType> types{};  // empty: all
  std::vector<NodeId> nodes{};             // links that begin or end here; empty: all
  bool clients = true;                     // links of clients too
  /// Of the messages that match, in the order of their sending, only those from the `nth` on, so
  /// many of them; 0: all.
  std::uint64_t nth = 1;
  std::uint64_t count = 0;
};

/// The fate of one message.
struct Decision {
  static constexpr std::size_t kMaxCopies = 4;
  std::array<Duration, kMaxCopies> delays{};  // the first `copies` count; 0 is "at once"
  std::uint8_t copies = 1;                    // 0: it is lost
  /// Bit k: the fault whose `fault_number` is k modulo 64 changed the outcome.
  std::uint64_t changed_by = 0;
  [[nodiscard]] bool lost() const { return copies == 0; }
};

class LinkTable {
 public:
  /// `nodes`: the size of the cluster. Client c counts as beside node 1 + (c - 1) mod nodes.
  LinkTable(std::uint64_t seed, std::uint32_t nodes);

  /// Cuts directed links. With `clients`, a client is on the same side as the node it is beside.
  /// REQUIRES: `fault` is not active here.
  void cut(const std::string& fault, const std::vector<Link>& links, bool clients = false);
  /// Adds a rule. REQUIRES: `fault` is not active here.
  void impair(const std::string& fault, const PacketRule& rule);
  /// Ends what `fault` does. Its counts stay. Delayed messages still come.
  void heal(std::string_view fault);
  /// No link is cut or impaired.
  [[nodiscard]] bool healed() const { return cuts_.empty() && rules_.empty(); }

  /// The fate of a message that was just sent, and the counts of it.
  Decision decide(const wire::Envelope& envelope);
  /// Takes note of a message that was just sent and whose fate is decided elsewhere: the rules
  /// count it as they would have, so that what they do to the others stays, and leave it alone.
  void pass(const wire::Envelope& envelope);
  /// From here on rules draw by `seed`, those in force too; what they have counted stays.
  void reseed(std::uint64_t seed);
  /// Whether a message that is due now may arrive: no, and counted, when its link is cut.
  bool may_deliver(const wire::Envelope& envelope);
  /// Whether a link lets nothing through; counts nothing.
  [[nodiscard]] bool is_cut(wire::Endpoint from, wire::Endpoint to) const;

  /// What `fault` did so far; zeros for a fault that never came here.
  [[nodiscard]] const LinkCounts& counts(std::string_view fault) const;
  /// The dense number of a fault, in order of its first appearance.
  [[nodiscard]] std::size_t fault_number(std::string_view fault) const;
  [[nodiscard]] const std::string& fault_name(std::size_t number) const { return names_[number]; }
  [[nodiscard]] std::size_t faults() const { return names_.size(); }

 private:
  struct Cut {
    std::size_t fault = 0;
    std::vector<Link> links;  // sorted
    bool clients = false;
  };
  struct Rule {
    std::size_t fault = 0;
    PacketRule packet;
    std::uint64_t key = 0;
    std::uint64_t matched = 0;
    /// How many identical messages the rule has seen, by the hash of their content. Looked up only.
    std::unordered_map<std::uint64_t, std::uint32_t> seen;
  };

  std::size_t enter(const std::string& fault);
  [[nodiscard]] NodeId side_of(wire::Endpoint endpoint) const;
  [[nodiscard]] bool cuts(const Cut& cut, wire::Endpoint from, wire::Endpoint to) const;
  static bool matches(const PacketRule& rule, const wire::Envelope& envelope);
  template <class CountsOf>
  void deal(const wire::Envelope& envelope, Decision& decision, CountsOf counts_of);
  static void apply(Rule& rule, const wire::Envelope& envelope, Decision& decision,
                    LinkCounts& counts);

  std::uint64_t seed_;
  std::uint32_t nodes_;
  std::vector<Cut> cuts_;
  std::vector<Rule> rules_;
  std::vector<std::string> names_;
  std::vector<LinkCounts> counts_;
  std::map<std::string, std::size_t, std::less<>> numbers_;
};

}  // namespace ww::faults
