#include "controller/bench/bench_run.hpp"

#include <signal.h>
#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <cmath>
#include <filesystem>
#include <set>
#include <thread>
#include <utility>

#include "base/assert.hpp"
#include "base/rng.hpp"
#include "controller/bench/cluster.hpp"
#include "controller/bench/load.hpp"
#include "controller/bench/phases.hpp"
#include "controller/bench/sync_loop.hpp"

namespace ww::bench {

namespace {

namespace asio = boost::asio;
using Statistics = std::vector<wire::control::Statistics>;

constexpr Duration kSyncLoop = milliseconds(500);
constexpr Duration kTurn = milliseconds(100);

Duration whole_process_time() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto duration = [](const timeval& t) {
    return Duration(seconds(t.tv_sec)) + microseconds(t.tv_usec);
  };
  return duration(used.ru_utime) + duration(used.ru_stime);
}

double seconds_in(Duration d) {
  return static_cast<double>(d.count()) * 1e-9;
}

Duration nodes_time(const Statistics& all) {
  Duration sum{};
  for (const auto& one : all) sum += one.user_time + one.system_time;
  return sum;
}

/// What is measured around the measured phase, on the main thread.
struct Gauges {
  std::optional<Statistics> begin;
  std::optional<Statistics> end;
  Duration process_begin{};
  Duration process_end{};
};

void tell_syncs(const Statistics& all, reports::BenchRound& round) {
  std::vector<std::int64_t> medians;
  double sum = 0;
  for (const auto& one : all) {
    round.syncs += one.syncs;
    sum += static_cast<double>(one.syncs) * static_cast<double>(to_ns(one.sync_mean));
    round.sync_p99 = std::max(round.sync_p99, to_ns(one.sync_p99));
    if (one.syncs > 0) medians.push_back(to_ns(one.sync_median));
  }
  if (medians.empty()) return;
  std::sort(medians.begin(), medians.end());
  round.sync_median = medians[medians.size() / 2];
  round.sync_mean = std::llround(sum / static_cast<double>(round.syncs));
}

reports::BenchRound told(const LoadResult& load, const Gauges& gauges, const BenchPlan& plan) {
  reports::BenchRound round;
  round.seconds = seconds_in(load.measured);
  round.warm_up = seconds_in(plan.warm_up);
  round.operations = load.ok;
  round.reads = load.reads;
  round.retries = load.retries;
  round.unfinished = load.unfinished;
  round.throughput = static_cast<double>(load.ok) / round.seconds;
  round.latency = reports::latency_of(load.latency);
  round.clients_cores = seconds_in(load.processor) / round.seconds;
  const Duration process = gauges.process_end - gauges.process_begin;
  round.harness_cores = std::max(0.0, seconds_in(process - load.processor) / round.seconds);
  if (gauges.begin && gauges.end && gauges.begin->size() == gauges.end->size()) {
    round.nodes_cores =
        seconds_in(nodes_time(*gauges.end) - nodes_time(*gauges.begin)) / round.seconds;
  }
  if (gauges.end) tell_syncs(*gauges.end, round);
  round.slices = load.slices;
  return round;
}

/// What was done to a cluster in the middle of a round.
struct Injected {
  NodeId node;
  Leadership before;
  std::optional<Leadership> after;  // of everything
  PhaseMarks marks;                 // but for `begin`, which the load knows
  Duration serving_after{};
};

/// The healthy phase takes the round's place, and the log says the rest.
void tell_fault(const LoadResult& load, Injected injected, reports::BenchVariant& variant,
                reports::BenchRound& round) {
  injected.marks.begin = load.measured_begin;
  PhasesTold phases = tell_phases(load.log, injected.marks);
  reports::BenchFault& fault = phases.fault;
  const auto since_start = [&load](Instant t) { return seconds_in(t - load.warm_up_begin); };
  fault.node = name_of(injected.node);
  fault.leader = name_of(injected.before.leader);
  fault.term = injected.before.term;
  if (injected.after) {
    fault.leader_then = name_of(injected.after->leader);
    fault.term_then = injected.after->term;
  }
  fault.injected_at = since_start(injected.marks.injected);
  fault.healed_at = since_start(injected.marks.healed);
  fault.serving_after = to_ns(injected.serving_after);
  const reports::BenchPhase& healthy = fault.phases.front();
  round.seconds = healthy.seconds;
  round.operations = healthy.operations;
  round.retries = healthy.refused + healthy.lost;
  round.unfinished = healthy.unanswered;
  round.throughput = healthy.throughput;
  round.latency = healthy.latency;
  variant.latency.merge(phases.latencies.front());
  if (!variant.faults) variant.faults.emplace();
  for (std::size_t i = 0; i < phases.latencies.size(); ++i) {
    variant.faults->latency[i].merge(phases.latencies[i]);
  }
  round.fault = std::move(fault);
}

class Runner {
 public:
  Runner(const BenchPlan& plan, asio::io_context& io) : plan_(plan), io_(io), signals_(io) {
    signals_.add(SIGINT);
    signals_.add(SIGTERM);
    signals_.async_wait([this](boost::system::error_code ec, int) {
      if (!ec) interrupted_ = true;
    });
  }

  /// Measures one round; its latencies go to `variant`.
  Result<reports::BenchRound> run(const Slot& slot, const std::string& directory,
                                  reports::BenchVariant& variant) {
    const Settings& settings = plan_.variants[slot.variant].settings;
    auto cluster = Cluster::start(io_, {plan_.node_executable, directory, settings, slot.seed,
                                        [this] { return interrupted_; }});
    if (!cluster) return cluster.error();
    Gauges gauges;
    const auto gauge = [&](std::optional<Statistics>& target, Duration& process) {
      process = whole_process_time();
      (*cluster)->take_statistics([&target](Statistics all) { target = std::move(all); });
    };
    LoadPlan load_plan{.nodes = (*cluster)->client_addresses(),
                       .settings = settings,
                       .seed = slot.seed,
                       .warm_up = plan_.warm_up,
                       .duration = plan_.duration};
    if (plan_.fault) {
      load_plan.during_faults = true;
      load_plan.attempt_timeout = plan_.fault->attempt_timeout;
    }
    const RealClock clock = load_plan.clock;
    Load load(
        std::move(load_plan),
        {.on_begin = [&] { asio::post(io_, [&] { gauge(gauges.begin, gauges.process_begin); }); },
         .on_end = [&] { asio::post(io_, [&] { gauge(gauges.end, gauges.process_end); }); }});
    std::optional<Result<Injected>> fault;
    auto result = drive(load, **cluster, [&] {
      if (!plan_.fault || fault || !gauges.end) return;
      fault = inject(**cluster, load, clock, slot.seed);
      if (!*fault) load.stop();
    });
    if (result) wait_for([&] { return gauges.end.has_value() || (*cluster)->failure(); });
    if (result && fault && *fault) {
      if (auto leads = (*cluster)->find_leader()) (*fault)->after = *leads;
    }
    const auto ended = (*cluster)->shut_down();
    if (interrupted_) return Error{ErrorCode::kStopped, true, "interrupted"};
    // A node that ended is why the load failed, not the other way round.
    if (!ended) return ended.error();
    if (fault && !*fault) return fault->error();
    if (!result) return result.error();
    auto round = told(*result, gauges, plan_);
    if (!plan_.fault) {
      variant.latency.merge(result->latency);
      return round;
    }
    WW_ASSERT(fault, "the load ended without a fault");
    tell_fault(*result, std::move(**fault), variant, round);
    return round;
  }

 private:
  /// The follower to hit. REQUIRES: two nodes at least.
  [[nodiscard]] static NodeId follower_of(NodeId leader, std::size_t nodes, std::uint64_t seed) {
    Rng rng = keyed(seed, "bench.fault");
    const auto n = static_cast<std::uint32_t>(rng.below(nodes - 1)) + 1;
    return NodeId{n < leader.value ? n : n + 1};
  }

  /// Hits a node, waits, heals, and tells the load when its last phase ends.
  /// Errors: nobody leads, or the fault or its heal could not be seen.
  Result<Injected> inject(Cluster& cluster, Load& load, const RealClock& clock,
                          std::uint64_t seed) {
    const FaultPlan& plan = *plan_.fault;
    Injected out;
    const auto leads = cluster.find_leader();
    if (!leads) return leads.error();
    out.before = *leads;
    const std::size_t nodes = cluster.client_addresses().size();
    out.node = hits_follower(plan.kind) ? follower_of(leads->leader, nodes, seed) : leads->leader;
    out.marks.injected = clock.now();
    const auto hit = kills(plan.kind) ? cluster.kill(out.node) : cluster.pause(out.node);
    out.marks.seen = clock.now();
    if (!hit) return hit.error();
    if (kills(plan.kind)) {
      if (auto right = cluster.check_files(out.node); !right) return right.error();
    }
    const Duration left = out.marks.injected + plan.length - clock.now();
    if (auto waited = cluster.run_for(left); !waited) return waited.error();
    out.marks.healed = clock.now();
    out.marks.end = out.marks.healed + plan.recovery;
    load.end_at(out.marks.end);
    const auto healed = kills(plan.kind) ? cluster.start_again(out.node) : cluster.resume(out.node);
    if (!healed) return healed.error();
    out.serving_after = clock.now() - out.marks.healed;
    return out;
  }

  /// `on_turn` is called again and again meanwhile, and may run the io_context itself.
  template <class OnTurn>
  Result<LoadResult> drive(Load& load, const Cluster& cluster, OnTurn on_turn) {
    std::optional<Result<LoadResult>> result;
    std::atomic<bool> done{false};
    std::thread thread([&] {
      result.emplace(load.run());
      done.store(true);
      asio::post(io_, [] {});
    });
    while (!done.load()) {
      if (interrupted_ || cluster.failure()) load.stop();
      io_.restart();
      io_.run_one_for(kTurn);
      on_turn();
    }
    thread.join();
    return std::move(*result);
  }

  template <class Condition>
  void wait_for(Condition condition) {
    constexpr int kTurns = 50;
    for (int i = 0; i < kTurns && !condition() && !interrupted_; ++i) {
      io_.restart();
      io_.run_one_for(kTurn);
    }
  }

  const BenchPlan& plan_;
  asio::io_context& io_;
  asio::signal_set signals_;
  bool interrupted_ = false;
};

std::string described(const BenchPlan& plan, const Slot& slot) {
  return plan.variants[slot.variant].label + (slot.again ? " again" : "");
}

/// One loop alone, and as many at once as the clusters have nodes, into `side` of each entry.
Result<void> time_bare_loops(const BenchPlan& plan,
                             reports::BenchSync reports::BenchSyncLoops::*side,
                             std::vector<reports::BenchSyncLoops>& loops) {
  for (reports::BenchSyncLoops& at_once : loops) {
    const auto times = time_syncs(plan.data, kSyncLoop, at_once.writers);
    if (!times) return times.error();
    at_once.*side = {to_ns(times->quantile(0.5)), to_ns(times->mean())};
  }
  return {};
}

}  // namespace

Result<reports::BenchReport> run_bench(const BenchPlan& plan, const OnRound& on_round) {
  ::signal(SIGPIPE, SIG_IGN);
  asio::io_context io;
  Runner runner(plan, io);
  reports::BenchReport report;
  for (const Variant& v : plan.variants) report.variants.emplace_back().label = v.label;
  auto& again = report.variants.emplace_back();
  again.label = plan.variants.front().label;
  again.again = true;
  if (plan.fault) {
    report.faults =
        reports::BenchFaultPlan{std::string(name_of(plan.fault->kind)), to_ns(plan.fault->length),
                                to_ns(plan.fault->recovery), to_ns(plan.fault->attempt_timeout)};
  }
  report.in_memory = is_in_memory(plan.data);
  std::set<std::uint32_t> writers = {1};
  for (const Variant& v : plan.variants) writers.insert(v.settings.nodes);
  for (const std::uint32_t n : writers) report.sync_loops.push_back({n, {}, {}});
  const auto before = time_bare_loops(plan, &reports::BenchSyncLoops::before, report.sync_loops);
  if (!before) return before.error();
  const auto slots = schedule_of(plan);
  double throughput = 0;
  for (const Slot& slot : slots) {
    on_round(report.rounds.size(), slots.size(), described(plan, slot), throughput);
    auto& variant = slot.again ? report.variants.back() : report.variants[slot.variant];
    const std::string directory = plan.data + "/round-" + std::to_string(report.rounds.size() + 1);
    auto round = runner.run(slot, directory, variant);
    if (!round) {
      const Error& e = round.error();
      return Error{e.code, e.definite, described(plan, slot) + ": " + e.message};
    }
    std::error_code ignored;
    std::filesystem::remove_all(directory, ignored);
    round->label = variant.label;
    round->again = slot.again;
    round->block = slot.block;
    round->place = static_cast<std::uint32_t>(report.rounds.size());
    round->seed = slot.seed;
    throughput = round->throughput;
    if (round->retries > 0) {
      report.warnings.push_back(described(plan, slot) + ", block " +
                                std::to_string(slot.block + 1) + ": " +
                                std::to_string(round->retries) + " attempts were refused or lost");
    }
    const auto& fault = round->fault;
    if (fault && fault->serving_after > to_ns(plan.fault->recovery)) {
      report.warnings.push_back(described(plan, slot) + ", block " +
                                std::to_string(slot.block + 1) + ": " + fault->node +
                                " served again only after the recovery phase; --recovery is short");
    }
    report.rounds.push_back(std::move(*round));
  }
  const auto after = time_bare_loops(plan, &reports::BenchSyncLoops::after, report.sync_loops);
  if (!after) return after.error();
  summarize(plan, report);
  return report;
}

}  // namespace ww::bench
