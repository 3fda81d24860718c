#include "faults/membership.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/rng.hpp"
#include "faults/fault.hpp"

namespace ww::faults {

namespace {

using wire::trace::ConfigurationAct;
using wire::trace::MembershipPhase;

std::vector<NodeId> without(const std::vector<NodeId>& from, const std::vector<NodeId>& these) {
  std::vector<NodeId> out;
  std::set_difference(from.begin(), from.end(), these.begin(), these.end(),
                      std::back_inserter(out));
  return out;
}

// While it lasts, whoever leads is asked for one change after the other: for what the shape says
// where that can be, or back to the first voters. Of two leaders each is asked for its own, by the
// members that it knows. The heal asks for the first voters; whoever ends the run insists on it
// (controller/run/restoration.hpp), since a leader may refuse or be deposed meanwhile.
class Membership final : public Fault {
 public:
  using Fault::Fault;

  // It waits for a leader as long as it takes: nobody else can change anything.
  bool inject(Instant now, bool /*settle*/) override {
    period_ = milliseconds(param(spec_, "every_ms"));
    for (const NodeView& node : ports_.cluster.view().nodes) {
      newest_ = std::max(newest_, std::pair(node.members.at.term, node.members.at.index));
    }
    committed_ = newest_;
    if (ask() == 0) return false;
    next_ = now + period_;
    return true;
  }

  void heal(Instant /*now*/) override {
    next_ = kNever;
    const ClusterView view = ports_.cluster.view();
    for (const NodeView& leader : view.nodes) {
      if (!leads(leader)) continue;
      const std::vector<NodeId> first = first_voters(ports_.options.first_voters);
      if (leader.members.settled_on(first)) continue;
      ports_.cluster.change_membership(
          leader.id, step_towards(leader.members.lasting_voters(), first, mode()), mode());
    }
  }

  [[nodiscard]] Instant deadline() const override { return next_; }
  void advance(Instant now) override {
    next_ = now + period_;
    ask();
  }

  void on_membership(NodeId /*node*/, const wire::trace::Membership& event) override {
    if (event.phase == MembershipPhase::kBegan) ++began_;
    if (event.phase == MembershipPhase::kRefused) ++refused_;
    if (event.phase == MembershipPhase::kGivenUp) ++given_up_;
  }
  void on_configured(NodeId /*node*/, const wire::trace::Configured& event) override {
    if (event.act == ConfigurationAct::kReverted) ++reverted_;
    // Nodes say the same one after the other, and again when they start.
    const auto at = std::pair(event.at.term, event.at.index);
    if (event.act == ConfigurationAct::kAppended && at > newest_) {
      newest_ = at;
      ++in_force_;
    }
    if (event.act == ConfigurationAct::kCommitted && at > committed_) {
      committed_ = at;
      ++commits_;
    }
  }

  [[nodiscard]] bool effective() const override { return in_force_ > 0; }
  [[nodiscard]] std::string evidence() const override {
    return std::to_string(began_) + " changes began, " + std::to_string(in_force_) +
           " configurations came into force, " + std::to_string(commits_) + " were committed, " +
           std::to_string(reverted_) + " times one was rolled back; " + std::to_string(refused_) +
           " changes were refused, " + std::to_string(given_up_) + " given up";
  }
  /// Whoever leads is asked when the plan runs again, too.
  [[nodiscard]] std::vector<NodeId> resolved() const override {
    return names_voters() ? spec_.nodes : std::vector<NodeId>();
  }

 private:
  [[nodiscard]] wire::MembershipMode mode() const { return ports_.options.membership; }
  /// Named nodes are the voters to ask for. The one node whose event set the fault off is not: it
  /// is enough that the change comes at that moment.
  [[nodiscard]] bool names_voters() const {
    const bool triggered = spec_.trigger.event != TriggerEvent::kNone;
    return spec_.target == Target::kNamed && !(triggered && spec_.nodes.size() == 1);
  }
  [[nodiscard]] bool leads(const NodeView& node) const {
    return node.alive && node.serving && node.role == wire::Role::kLeader &&
           !ports_.holds.down(node.id);
  }

  /// Asks every leader that can be asked for something; returns how many.
  std::size_t ask() {
    const ClusterView view = ports_.cluster.view();
    const auto only = NodeId{static_cast<std::uint32_t>(param(spec_, "leader"))};
    std::size_t asked = 0;
    for (const NodeView& leader : view.nodes) {
      if (!leads(leader) || (only != kNobody && leader.id != only)) continue;
      const std::vector<NodeId>& now = leader.members.lasting_voters();
      const std::vector<NodeId> wanted = wanted_of(leader, now);
      if (now.empty() || wanted == now) continue;
      const std::vector<NodeId> step = step_towards(now, wanted, mode());
      // All of it at once, which a leader that changes one voter at a time must refuse.
      if (step != wanted && !names_voters()) {
        ports_.cluster.change_membership(leader.id, wanted, mode());
      }
      ports_.cluster.change_membership(leader.id, step, mode());
      ++asked;
      if (!hits(leader.id)) nodes_.push_back(leader.id);
    }
    // Attempts in vain do not count: how many there are before the first depends on the plan's
    // form.
    if (asked > 0) ++asked_;
    return asked;
  }

  [[nodiscard]] std::vector<NodeId> wanted_of(const NodeView& leader,
                                              const std::vector<NodeId>& now) const {
    if (names_voters()) {
      std::vector<NodeId> named = spec_.nodes;
      std::sort(named.begin(), named.end());
      return named;
    }
    const std::vector<NodeId> first = first_voters(ports_.options.first_voters);
    const Rng rng = keyed(ports_.seed, "membership", spec_.id, asked_, leader.id);
    std::vector<NodeId> wanted = shaped(leader.id, now, rng);
    const bool back = asked_ > 0 && now != first && Rng(rng).below(2) == 0;
    return back || wanted == now ? first : wanted;
  }

  /// What the shape makes of `now`; `now` where it cannot be.
  [[nodiscard]] std::vector<NodeId> shaped(NodeId leader, const std::vector<NodeId>& now,
                                           Rng rng) const {
    std::vector<NodeId> outside = without(first_voters(ports_.nodes), now);
    std::vector<NodeId> inside = now;
    rng.shuffle(std::span(outside));
    rng.shuffle(std::span(inside));
    if (spec_.shape == "remove-leader") {
      // To the front: it is the one to go.
      std::stable_partition(inside.begin(), inside.end(), [&](NodeId n) { return n == leader; });
    }
    const std::size_t least = least_voters();
    std::size_t leave = 0;
    std::size_t join = 0;
    if (spec_.shape == "grow") {
      join = outside.empty() ? 0 : 1 + rng.below(outside.size());
    } else if (spec_.shape == "shrink") {
      leave = now.size() > least ? 1 + rng.below(now.size() - least) : 0;
    } else if (spec_.shape == "replace") {
      join = outside.empty() ? 0 : 1 + rng.below(std::min(outside.size(), now.size()));
      leave = join;
    } else {
      join = outside.empty() ? 0 : rng.below(2);
      leave = now.size() + join > least ? 1 : 0;
      if (leave == 0) join = 0;
    }
    std::vector<NodeId> wanted(inside.begin() + static_cast<std::ptrdiff_t>(leave), inside.end());
    wanted.insert(wanted.end(), outside.begin(),
                  outside.begin() + static_cast<std::ptrdiff_t>(join));
    std::sort(wanted.begin(), wanted.end());
    return wanted;
  }

  [[nodiscard]] std::size_t least_voters() const {
    return fewest_voters(ports_.options.first_voters);
  }

  Duration period_{};
  Instant next_ = kNever;
  std::uint64_t asked_ = 0;
  std::pair<Term, Index> newest_;  // configuration's entry
  std::pair<Term, Index> committed_;
  std::uint64_t began_ = 0;
  std::uint64_t refused_ = 0;
  std::uint64_t given_up_ = 0;
  std::uint64_t in_force_ = 0;
  std::uint64_t commits_ = 0;
  std::uint64_t reverted_ = 0;
};

}  // namespace

// So that the clients are not without service for most of the run.
std::uint32_t fewest_voters(std::uint32_t first) {
  return std::max(first / 2 + 1, std::min(first, 2U));
}

std::uint32_t fewest_voters(const Plan& plan, std::uint32_t first) {
  std::uint32_t fewest = first;
  for (const FaultSpec& spec : plan.faults) {
    if (spec.kind != "membership") continue;
    fewest = std::min(fewest, fewest_voters(first));
    // The node of a trigger is not asked for.
    const bool triggered = spec.trigger.event != TriggerEvent::kNone;
    if (spec.nodes.empty() || (triggered && spec.nodes.size() == 1)) continue;
    fewest = std::min(fewest, static_cast<std::uint32_t>(spec.nodes.size()));
  }
  return fewest;
}

std::vector<NodeId> first_voters(std::uint32_t count) {
  std::vector<NodeId> out;
  for (std::uint32_t i = 1; i <= count; ++i) out.push_back(NodeId{i});
  return out;
}

std::vector<NodeId> step_towards(const std::vector<NodeId>& now, const std::vector<NodeId>& wanted,
                                 wire::MembershipMode mode) {
  if (mode == wire::MembershipMode::kJoint) return wanted;
  std::vector<NodeId> out = now;
  if (const std::vector<NodeId> coming = without(wanted, now); !coming.empty()) {
    out.insert(std::upper_bound(out.begin(), out.end(), coming.front()), coming.front());
  } else if (const std::vector<NodeId> going = without(now, wanted); !going.empty()) {
    out.erase(std::lower_bound(out.begin(), out.end(), going.front()));
  }
  return out;
}

KindInfo membership_kind() {
  const std::vector<ParamInfo> params = {{.name = "every_ms",
                                          .help = "how often whoever leads is asked for a change",
                                          .low = 1,
                                          .high = 60'000,
                                          .draw_low = 40,
                                          .draw_high = 1'500,
                                          .fallback = 500},
                                         {.name = "leader",
                                          .help = "ask this node only, by its number; 0: any",
                                          .low = 0,
                                          .high = kMaxPlanNodes,
                                          .fallback = 0}};
  return KindInfo{
      .name = "membership",
      .summary = "voters are added, removed and replaced",
      .heal = "the first voters are asked for; at the end of a run until they are the members",
      .evidence = "a configuration came into force: its entry was appended",
      .verbs = "change membership",
      .color = "#5f8f8b",
      .min_nodes = 3,
      .shortest = milliseconds(300),
      .longest = milliseconds(5000),
      .targets = {},
      .shapes = {{.name = "grow",
                  .help = "spares and removed nodes join as voters",
                  .weight = 2,
                  .min_nodes = 2,
                  .params = params,
                  .needs_spare = true},
                 {.name = "shrink",
                  .help = "voters are removed, down to a majority of the first ones",
                  .weight = 2,
                  .min_nodes = 3,
                  .params = params},
                 {.name = "replace",
                  .help = "as many join as leave, at once where consensus is joint",
                  .weight = 2,
                  .min_nodes = 2,
                  .params = params,
                  .needs_spare = true},
                 {.name = "remove-leader",
                  .help = "the leader removes itself; sometimes a spare takes its place",
                  .weight = 2,
                  .min_nodes = 3,
                  .params = params}},
      .takes_types = false,
      .make = [](const FaultSpec& spec, Ports& ports) -> std::unique_ptr<Fault> {
        return std::make_unique<Membership>(spec, ports);
      }};
}

}  // namespace ww::faults
