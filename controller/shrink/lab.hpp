// Where a shrinker tries plans: runs them, remembers what it tried, counts, and keeps the best.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <unordered_set>

#include "base/result.hpp"
#include "controller/run/finished_run.hpp"
#include "controller/run/plan_file.hpp"

namespace ww::shrink {

using Execute =
    std::function<Result<run::FinishedRun>(const run::PlanFile&, const run::RunOptions&)>;

struct Budget {
  std::uint64_t executions = 20'000;
  /// Asked before each execution. What is tried never hangs on time, only where it ends.
  std::function<bool()> expired = [] { return false; };
};

/// What is known of a run that showed the failure.
struct Sighting {
  std::optional<Duration> violation;  // since the torture's begin, when it came during the torture
  /// The smallest set of ops that shows it, when clients did; times since the torture's begin.
  History witness;
  /// What a fault hit, and when since the torture's begin, by its id.
  struct Strike {
    Duration at{};
    std::vector<NodeId> nodes;
  };
  std::map<std::string, Strike> strikes;
  run::PlanFile executed;
  std::uint64_t steps = 0;                   // replica steps
  std::vector<run::SentMessage> deliveries;  // when asked for
};

class Lab {
 public:
  /// REQUIRES: `execute` outlives the lab, and the same plan yields the same run.
  Lab(const Execute& execute, Budget budget);

  /// Runs `plan` as it is, wholly judged, and takes its failure for the one that is sought.
  /// Errors: those of the world; kUsage when the run does not fail.
  Result<void> begin(const run::PlanFile& plan);

  /// Whether `plan` shows the failure that is sought; then it becomes the best. A plan that is the
  /// best, that is not runnable or that was tried before is not run.
  bool try_plan(const run::PlanFile& plan);
  /// The same, and if the failure does not show, under other draws of latencies and elections, up
  /// to `most`: the more the cheaper the runs are.
  bool try_anyhow(const run::PlanFile& plan, std::uint64_t most);

  /// Runs the best again for more facts. Nothing when the budget is spent.
  std::optional<Sighting> look_again(bool deliveries);
  /// Runs the best as `run --plan` would: wholly judged; and without its bugs. True when the first
  /// shows the failure and the second shows none (or there is no bug). Not counted: it has to be
  /// done.
  [[nodiscard]] bool confirm(const run::PlanFile& plan) const;

  [[nodiscard]] bool more() const;
  [[nodiscard]] const run::PlanFile& best() const { return best_; }
  [[nodiscard]] const Sighting& sighting() const { return sighting_; }
  [[nodiscard]] const std::string& signature() const { return signature_; }
  [[nodiscard]] std::uint64_t executions() const { return executions_; }
  /// The best and what is known of it, to go back to.
  struct Find {
    run::PlanFile plan;
    Sighting sighting;
  };
  [[nodiscard]] Find find() const { return {best_, sighting_}; }
  void go_back(Find find);
  /// Called with each new best.
  std::function<void()> on_better = [] {};

 private:
  [[nodiscard]] std::optional<Sighting> run(const run::PlanFile& plan, bool deliveries) const;

  const Execute& execute_;
  Budget budget_;
  run::PlanFile best_;
  Sighting sighting_;
  std::string signature_;
  bool by_history_ = false;  // the failure shows in the clients' history alone
  std::uint64_t executions_ = 0;
  std::unordered_set<std::uint64_t> tried_;  // looked up only
};

}  // namespace ww::shrink
