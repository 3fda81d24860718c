#include "checkers/liveness.hpp"

#include <algorithm>

#include "checkers/explain.hpp"

namespace ww::checkers {

namespace {

std::string text_of_duration(Duration d) {
  return text_of_time(d.count(), false);
}

class LivenessCheck {
 public:
  LivenessCheck(const LivenessFacts& facts, const LivenessLimits& limits)
      : facts_(facts), limits_(limits) {
    result_.checker = "liveness";
    result_.title = "after the last heal the cluster recovers: leader, writes, reads, agreement";
  }

  CheckResult run() {
    if (facts_.probes.empty() && facts_.voters.empty() && !facts_.restored) {
      result_.reason = "nothing was looked at after the heal";
      return std::move(result_);
    }
    if (facts_.restored) ++result_.evaluated;
    if (facts_.restored == false) {
      violate("the change of members that was asked for after the heal never came to be",
              facts_.ended, {});
    }
    check_leader();
    for (const RecoveryProbe& probe : facts_.probes) {
      check_probe(probe, probe.write_ok, "write");
      check_probe(probe, probe.read_ok, "final read");
    }
    ++result_.evaluated;
    if (facts_.pending_ops > 0) {
      violate(std::to_string(facts_.pending_ops) + " ops were never completed", facts_.ended, {});
    }
    check_agreement();
    conclude();
    return std::move(result_);
  }

 private:
  void check_leader() {
    ++result_.evaluated;
    const Duration bound = facts_.election_timeout * limits_.leader_timeouts;
    const std::string wanted = std::to_string(limits_.leader_timeouts) + " election timeouts (" +
                               text_of_duration(bound) + ")";
    if (!facts_.leader) {
      return violate("no leader was elected after the heal; " + wanted + " are allowed",
                     facts_.ended, {});
    }
    const Duration took = std::max(*facts_.leader - facts_.healed, Duration{0});
    result_.numbers["leader-after"] = static_cast<double>(took.count()) / 1e9;
    if (took <= bound) return;
    violate("a leader was there only " + text_of_duration(took) + " after the heal; " + wanted +
                " are allowed",
            *facts_.leader, {});
  }

  void check_probe(const RecoveryProbe& probe, const std::optional<Instant>& ok,
                   const std::string& what) {
    ++result_.evaluated;
    const std::string whose = probe.process + ": its " + what;
    if (!ok) return violate(whose + " after the heal never succeeded", facts_.ended, {});
    const Duration took = *ok - facts_.healed;
    double& slowest = result_.numbers["recovered-after"];
    slowest = std::max(slowest, static_cast<double>(took.count()) / 1e9);
    if (took <= limits_.recovery) return;
    violate(whose + " succeeded only " + text_of_duration(took) + " after the heal; " +
                text_of_duration(limits_.recovery) + " are allowed",
            *ok, {});
  }

  /// Every voter must be up and stand where the first running one stands.
  void check_agreement() {
    const VoterState* first = nullptr;
    for (const VoterState& voter : facts_.voters) {
      ++result_.evaluated;
      const std::string name = name_of(voter.node);
      if (!voter.running) {
        violate(name + " was not running at the end", facts_.ended, {name});
        continue;
      }
      if (voter.applied != voter.last_index) {
        violate(name + " applied only " + std::to_string(voter.applied) + " of its " +
                    std::to_string(voter.last_index) + " entries",
                facts_.ended, {name});
      }
      if (first == nullptr) {
        first = &voter;
        continue;
      }
      const std::string both = name_of(first->node) + " and " + name;
      if (voter.last_index != first->last_index) {
        violate(both + " end at different entries, " + std::to_string(first->last_index) + " and " +
                    std::to_string(voter.last_index),
                facts_.ended, {name_of(first->node), name});
      } else if (voter.applied == first->applied && voter.digest != first->digest) {
        // No slowness of the machine explains this, nor would more time mend it.
        violate(both + " applied the same " + std::to_string(voter.applied) +
                    " entries to different states",
                facts_.ended, {name_of(first->node), name}, "Apply");
        diverged_ = true;
      }
    }
  }

  void violate(std::string summary, Instant time, std::vector<std::string> nodes,
               const char* property = "Live") {
    ++result_.violation_count;
    if (result_.violations.size() == kMaxViolations) return;
    Violation violation;
    violation.property = property;
    violation.summary = std::move(summary);
    violation.time = to_ns(time);
    violation.nodes = std::move(nodes);
    result_.violations.push_back(std::move(violation));
  }

  /// The longest time in which the machine stood still after the heal; nothing when that is
  /// harmless.
  [[nodiscard]] const MachineStall* excuse() const {
    const MachineStall* longest = nullptr;
    for (const MachineStall& stall : facts_.stalls) {
      if (stall.time + stall.length < facts_.healed || stall.time > facts_.ended ||
          stall.length * 2 <= facts_.election_timeout) {
        continue;
      }
      if (longest == nullptr || stall.length > longest->length) longest = &stall;
    }
    return longest;
  }

  void conclude() {
    if (result_.violation_count == 0) {
      result_.verdict = Verdict::kValid;
      return;
    }
    result_.reason = result_.violations.front().summary;
    const MachineStall* stall = excuse();
    if (stall == nullptr || diverged_) {
      result_.verdict = Verdict::kInvalid;
      return;
    }
    result_.verdict = Verdict::kUnknown;
    result_.reason += "; but the machine itself stood still (" + stall->what + ", " +
                      text_of_duration(stall->length) + " at " +
                      text_of_time(to_ns(stall->time), false) + "), so this proves nothing";
    result_.violations.clear();
    result_.violation_count = 0;
  }

  const LivenessFacts& facts_;
  const LivenessLimits& limits_;
  CheckResult result_;
  bool diverged_ = false;
};

}  // namespace

CheckResult check_liveness(const LivenessFacts& facts, const LivenessLimits& limits) {
  return LivenessCheck(facts, limits).run();
}

}  // namespace ww::checkers
