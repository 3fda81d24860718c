#include "faults/links.hpp"

#include <algorithm>

namespace ww::faults {

namespace {

std::size_t slot_of(wire::MessageType type) {
  return static_cast<std::size_t>(type);
}

/// Names the content of a message; identical messages share it, whatever their ids.
std::uint64_t content_key(const wire::Envelope& e) {
  return key_of(e.from.value, "message", e.to, e.type, e.term, e.content);
}

/// Uniform in (0, lag].
Duration draw_lag(Rng rng, Duration lag) {
  return lag <= Duration{1} ? Duration{1} : rng.between(Duration{1}, lag);
}

}  // namespace

std::uint64_t consensus_messages(const LinkCounts::ByType& counts) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < counts.size(); ++i) {
    if (!wire::is_client_message(static_cast<wire::MessageType>(i))) sum += counts[i];
  }
  return sum;
}

std::uint64_t all_messages(const LinkCounts::ByType& counts) {
  std::uint64_t sum = 0;
  for (const std::uint64_t n : counts) sum += n;
  return sum;
}

LinkTable::LinkTable(std::uint64_t seed, std::uint32_t nodes) : seed_(seed), nodes_(nodes) {
  WW_ASSERT(nodes > 0, "a cluster without nodes has no links");
}

std::size_t LinkTable::enter(const std::string& fault) {
  const std::size_t number = numbers_.emplace(fault, names_.size()).first->second;
  if (number == names_.size()) {
    names_.push_back(fault);
    counts_.emplace_back();
  }
  const auto holds = [&](const auto& active) { return active.fault == number; };
  WW_ASSERT(std::none_of(cuts_.begin(), cuts_.end(), holds) &&
                std::none_of(rules_.begin(), rules_.end(), holds),
            "a fault acts on the links twice");
  return number;
}

void LinkTable::cut(const std::string& fault, const std::vector<Link>& links, bool clients) {
  Cut cut{enter(fault), links, clients};
  std::sort(cut.links.begin(), cut.links.end());
  cuts_.push_back(std::move(cut));
}

void LinkTable::impair(const std::string& fault, const PacketRule& rule) {
  const std::size_t number = enter(fault);
  rules_.push_back(Rule{number, rule, key_of(seed_, "packet", fault), 0, {}});
}

void LinkTable::heal(std::string_view fault) {
  const auto at = numbers_.find(fault);
  if (at == numbers_.end()) return;
  const auto ended = [&](const auto& active) { return active.fault == at->second; };
  std::erase_if(cuts_, ended);
  std::erase_if(rules_, ended);
}

NodeId LinkTable::side_of(wire::Endpoint endpoint) const {
  if (wire::is_node(endpoint)) return wire::node_of(endpoint);
  const std::uint32_t client = wire::client_of(endpoint).value;
  return client == 0 ? kNobody : NodeId{1 + (client - 1) % nodes_};
}

bool LinkTable::cuts(const Cut& cut, wire::Endpoint from, wire::Endpoint to) const {
  if (!cut.clients && !(wire::is_node(from) && wire::is_node(to))) return false;
  return std::binary_search(cut.links.begin(), cut.links.end(), Link{side_of(from), side_of(to)});
}

bool LinkTable::is_cut(wire::Endpoint from, wire::Endpoint to) const {
  return std::any_of(cuts_.begin(), cuts_.end(),
                     [&](const Cut& cut) { return cuts(cut, from, to); });
}

bool LinkTable::may_deliver(const wire::Envelope& envelope) {
  bool may = true;
  for (const Cut& cut : cuts_) {
    if (!cuts(cut, envelope.from, envelope.to)) continue;
    ++counts_[cut.fault].blocked[slot_of(envelope.type)];
    may = false;
  }
  return may;
}

Decision LinkTable::decide(const wire::Envelope& envelope) {
  Decision decision;
  for (const Cut& cut : cuts_) {
    if (!cuts(cut, envelope.from, envelope.to)) continue;
    ++counts_[cut.fault].blocked[slot_of(envelope.type)];
    decision.changed_by |= std::uint64_t{1} << (cut.fault % 64);
    decision.copies = 0;
  }
  deal(envelope, decision, [&](const Rule& rule) -> LinkCounts& { return counts_[rule.fault]; });
  return decision;
}

/// Asks the rules in turn, for as long as there is something left to decide.
template <class CountsOf>
void LinkTable::deal(const wire::Envelope& envelope, Decision& decision, CountsOf counts_of) {
  for (Rule& rule : rules_) {
    if (decision.lost()) break;
    if (!matches(rule.packet, envelope)) continue;
    const std::uint64_t number = ++rule.matched;
    const PacketRule& packet = rule.packet;
    if (packet.count != 0 && (number < packet.nth || number - packet.nth >= packet.count)) continue;
    apply(rule, envelope, decision, counts_of(rule));
  }
}

void LinkTable::pass(const wire::Envelope& envelope) {
  // What the rules would have done decides which of them would have seen it.
  Decision unused;
  LinkCounts nobody;
  if (is_cut(envelope.from, envelope.to)) unused.copies = 0;
  deal(envelope, unused, [&](const Rule&) -> LinkCounts& { return nobody; });
}

void LinkTable::reseed(std::uint64_t seed) {
  seed_ = seed;
  for (Rule& rule : rules_) rule.key = key_of(seed, "packet", names_[rule.fault]);
}

bool LinkTable::matches(const PacketRule& rule, const wire::Envelope& envelope) {
  const bool both_nodes = wire::is_node(envelope.from) && wire::is_node(envelope.to);
  if (!rule.clients && !both_nodes) return false;
  if (!rule.types.empty() &&
      std::find(rule.types.begin(), rule.types.end(), envelope.type) == rule.types.end()) {
    return false;
  }
  const auto touches = [&](NodeId node) {
    return wire::endpoint_of(node) == envelope.from || wire::endpoint_of(node) == envelope.to;
  };
  return rule.nodes.empty() || std::any_of(rule.nodes.begin(), rule.nodes.end(), touches);
}

// Each of the four effects has a draw of its own, so that changing the rate of one leaves the
// others.
void LinkTable::apply(Rule& rule, const wire::Envelope& envelope, Decision& decision,
                      LinkCounts& counts) {
  const std::uint64_t content = content_key(envelope);
  const std::uint32_t nth = rule.seen[content]++;
  const auto draw = [&](Domain effect) { return keyed(rule.key, effect, content, nth); };
  const PacketRule& packet = rule.packet;
  const std::size_t type = slot_of(envelope.type);
  const std::uint64_t bit = std::uint64_t{1} << (rule.fault % 64);

  if (packet.drop_ppm > 0 && draw("drop").chance_ppm(packet.drop_ppm)) {
    ++counts.dropped[type];
    decision.changed_by |= bit;
    decision.copies = 0;
    return;
  }
  Duration delay = packet.delay;
  if (packet.jitter > Duration{0}) {
    delay += draw("jitter").between(-packet.jitter, packet.jitter);
  }
  if (delay > Duration{0}) {
    for (std::size_t i = 0; i < decision.copies; ++i) decision.delays[i] += delay;
    ++counts.delayed[type];
    decision.changed_by |= bit;
  }
  if (packet.duplicate_ppm > 0 && decision.copies < Decision::kMaxCopies &&
      draw("duplicate").chance_ppm(packet.duplicate_ppm)) {
    decision.delays[decision.copies++] =
        decision.delays[0] + draw_lag(draw("duplicate.lag"), packet.lag);
    ++counts.duplicated[type];
    decision.changed_by |= bit;
  }
  if (packet.reorder_ppm > 0 && draw("reorder").chance_ppm(packet.reorder_ppm)) {
    decision.delays[0] += draw_lag(draw("reorder.lag"), packet.lag);
    ++counts.reordered[type];
    decision.changed_by |= bit;
  }
}

const LinkCounts& LinkTable::counts(std::string_view fault) const {
  static constexpr LinkCounts kNone{};
  const auto at = numbers_.find(fault);
  return at == numbers_.end() ? kNone : counts_[at->second];
}

std::size_t LinkTable::fault_number(std::string_view fault) const {
  const auto at = numbers_.find(fault);
  WW_ASSERT(at != numbers_.end(), "a fault that never came to the links has no number");
  return at->second;
}

}  // namespace ww::faults
