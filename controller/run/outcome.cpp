#include "controller/run/outcome.hpp"

#include <algorithm>
#include <array>

#include "base/real_time.hpp"
#include "checkers/registry.hpp"
#include "controller/cli/exit_codes.hpp"
#include "controller/run/signature.hpp"

namespace ww::run {

namespace {

using reports::RunReport;

std::string with_commas(std::uint64_t n) {
  std::string out = std::to_string(n);
  for (int at = static_cast<int>(out.size()) - 3; at > 0; at -= 3) {
    out.insert(static_cast<std::size_t>(at), ",");
  }
  return out;
}

std::string seconds_text(Duration d) {
  const std::int64_t ms = d.count() / 1'000'000;
  std::string fraction = std::to_string(ms % 1000);
  fraction.insert(0, 3 - fraction.size(), '0');
  return std::to_string(ms / 1000) + "." + fraction + " s";
}

/// A fault's window lasts a little beyond its heal: what it broke shows when clients are served
/// again. A window that the end of the torture cuts short is not judged.
constexpr Duration kAftermath = seconds(2);

checkers::RunFacts run_facts(const Director& director, const faults::LinkTable& links) {
  checkers::RunFacts facts;
  facts.leader_changes = director.timeline().leader_changes().size();
  for (std::size_t i = 0; i < links.faults(); ++i) {
    const faults::LinkCounts& c = links.counts(links.fault_name(i));
    facts.blocked_messages += faults::all_messages(c.blocked) + faults::all_messages(c.dropped);
  }
  if (director.nemesis() != nullptr) {
    for (const faults::KindTally& t : director.nemesis()->tally()) {
      facts.faults.push_back({t.kind, t.planned, t.injected, t.effective});
    }
    for (const faults::FaultOutcome& f : director.nemesis()->outcomes()) {
      if (!f.injected || f.healed_at == kNever) continue;
      const Instant end = f.healed_at + kAftermath;
      if (director.torture_end() && end > *director.torture_end()) continue;
      facts.windows.push_back({f.spec.kind, to_ns(f.injected_at), to_ns(end)});
    }
  }
  add_history_facts(facts, director.history());
  return facts;
}

CheckResult disk_audit(const Director& director) {
  CheckResult out;
  out.checker = "DiskAudit";
  out.title = "after each crash the files are what the logged operations permit";
  out.evaluated = director.disk_audits();
  out.violations = director.disk_violations();
  out.violation_count = out.violations.size();
  out.verdict = out.violations.empty() ? Verdict::kValid : Verdict::kInvalid;
  if (out.verdict == Verdict::kInvalid) out.reason = out.violations.front().summary;
  return out;
}

CheckResult crash_check(const Director& director, const WorldFacts& world) {
  CheckResult out;
  out.checker = "crash";
  out.title = "no node ends by itself, and no sanitizer speaks";
  out.evaluated = director.timeline().counters().size();
  out.verdict = Verdict::kValid;
  for (const Crash& crash : director.crashes()) {
    Violation v;
    v.property = "Crash";
    v.summary = crash.what.substr(0, crash.what.find('\n'));
    v.time = to_ns(crash.time);
    v.evidence = {crash.what};
    if (crash.node != kNobody) v.nodes = {name_of(crash.node)};
    out.violations.push_back(std::move(v));
  }
  for (const std::string& line : world.sanitizer) {
    Violation v;
    v.property = "Crash";
    v.summary = line;
    out.violations.push_back(std::move(v));
  }
  out.violation_count = out.violations.size();
  if (!out.violations.empty()) {
    out.verdict = Verdict::kInvalid;
    out.reason = out.violations.front().summary;
    if (out.violations.size() > kMaxViolations) out.violations.resize(kMaxViolations);
  }
  return out;
}

CheckResult harness_check(const Director& director) {
  CheckResult out;
  out.checker = "harness";
  out.title = "the harness itself worked";
  out.evaluated = 1;
  out.verdict = Verdict::kValid;
  for (const Error& error : director.errors()) {
    out.verdict = Verdict::kUnknown;
    out.reason += (out.reason.empty() ? "" : "; ") + error.message;
  }
  return out;
}

checkers::LivenessFacts liveness_facts(const Director& director, const WorldFacts& world) {
  checkers::LivenessFacts facts = director.liveness_facts();
  for (const reports::MachineStall& stall : world.stalls) {
    facts.stalls.push_back({instant_at(stall.time), Duration{stall.duration}, stall.what});
  }
  for (const reports::MachineStall& stall : director.timeline().trace_stalls()) {
    facts.stalls.push_back({instant_at(stall.time), Duration{stall.duration}, stall.what});
  }
  return facts;
}

/// A run that was cut is judged by its safety alone: nothing had to recover, and nothing in
/// particular had to happen.
void keep_safety(std::vector<CheckResult>& checks) {
  std::erase_if(checks, [](const CheckResult& check) { return check.checker == "statistics"; });
  for (CheckResult& check : checks) check.numbers[reports::kRare] = 1;
}

/// Of a run that had no end: nodes that keep each other busy make no progress.
CheckResult livelock_check(const Director& director) {
  CheckResult out;
  out.checker = "liveness";
  out.title = "the run comes to an end";
  out.verdict = Verdict::kInvalid;
  out.evaluated = 1;
  out.violation_count = 1;
  out.reason = "a livelock: " + std::to_string(director.livelock()) +
               " events and no end; raise --max-events if it needs more";
  Violation violation;
  violation.property = "Live";
  violation.summary = out.reason;
  violation.time = to_ns(director.ended());
  out.violations.push_back(std::move(violation));
  return out;
}

std::vector<CheckResult> all_checks(const TestSpec& spec, Director& director,
                                    const faults::LinkTable& links, const WorldFacts& world,
                                    bool judge_history) {
  std::vector<CheckResult> checks;
  if (director.unchecked()) {
    checks.push_back(harness_check(director));
    return checks;
  }
  if (judge_history) checks = checkers::check_history(director.history());
  for (CheckResult& row : director.finish_invariants()) checks.push_back(std::move(row));
  if (director.abandoned()) {
    keep_safety(checks);
  } else if (director.tortured()) {
    checkers::LivenessLimits liveness;
    liveness.recovery = spec.recovery_limit;
    checks.push_back(checkers::check_liveness(liveness_facts(director, world), liveness));
    checks.push_back(checkers::check_vacuity(run_facts(director, links)));
  }
  if (director.livelock() > 0) checks.push_back(livelock_check(director));
  checks.push_back(disk_audit(director));
  checks.push_back(crash_check(director, world));
  checks.push_back(harness_check(director));
  return checks;
}

const CheckResult* find_check(const RunReport& report, std::string_view name) {
  for (const CheckResult& check : report.checks) {
    if (check.checker == name) return &check;
  }
  return nullptr;
}

bool is_invalid(const CheckResult* check) {
  return check != nullptr && check->verdict == Verdict::kInvalid;
}

/// The first thing that a reader should know.
void conclude(RunReport& report, const Director& director) {
  report.verdict = Verdict::kValid;
  const CheckResult* safety = broken_check(report);
  const CheckResult* unknown = nullptr;
  std::uint64_t evaluations = 0;
  std::size_t rules = 0;
  for (const CheckResult& check : report.checks) {
    if (reports::decides(check)) report.verdict = compose(report.verdict, check.verdict);
    if (check.verdict == Verdict::kValid) {
      evaluations += check.evaluated;
      ++rules;
    }
    if (check.verdict == Verdict::kUnknown && reports::decides(check) && unknown == nullptr)
      unknown = &check;
  }
  const CheckResult* liveness = find_check(report, "liveness");
  const CheckResult* crash = find_check(report, "crash");
  if (safety != nullptr) {
    report.exit_code = cli::kExitInvalid;
    report.cause = safety->violations.empty() ? safety->reason : safety->violations.front().summary;
  } else if (is_invalid(crash)) {
    report.exit_code = cli::kExitNodeCrashed;
    report.outcome = "node crashed";
    report.cause = crash->reason;
  } else if (!director.errors().empty()) {
    const bool environment = director.errors().front().code == ErrorCode::kEnvironment ||
                             director.errors().front().code == ErrorCode::kNoSpace ||
                             director.errors().front().code == ErrorCode::kIo;
    report.exit_code = environment ? cli::kExitEnvironment : cli::kExitHarness;
    report.outcome =
        environment ? "unknown: the machine lacks something" : "unknown: harness error";
    report.cause = director.errors().front().message;
  } else if (is_invalid(liveness)) {
    report.exit_code = cli::kExitNoRecovery;
    report.outcome = "no recovery";
    report.cause = liveness->reason;
  } else if (report.verdict != Verdict::kValid) {
    report.exit_code = cli::kExitUnknown;
    report.cause = unknown != nullptr ? unknown->checker + ": " + unknown->reason : "undecided";
  } else {
    report.exit_code = cli::kExitValid;
    report.cause =
        std::to_string(rules) + " rules held, evaluated " + with_commas(evaluations) + " times.";
    if (director.abandoned() && director.torture_end()) {
      report.cause += " The run was cut " +
                      seconds_text(*director.torture_end() - director.torture_begin()) +
                      " into the torture: only its safety is judged.";
    }
  }
  if (director.interrupted()) {
    report.outcome = "interrupted; " + std::string(name_of(report.verdict)) + " so far";
    if (report.exit_code == cli::kExitValid || report.exit_code == cli::kExitUnknown) {
      report.exit_code = cli::kExitSigint;
    }
  }
}

std::uint64_t total(const faults::LinkCounts::ByType& counts) {
  return faults::all_messages(counts);
}

void add_faults(RunReport& report, const Director& director, const faults::LinkTable& links) {
  if (director.nemesis() == nullptr) return;
  for (const faults::KindTally& tally : director.nemesis()->tally()) {
    report.fault_kinds.push_back(tally.kind);
  }
  std::uint64_t id = 0;
  for (const faults::FaultOutcome& f : director.nemesis()->outcomes()) {
    reports::FaultRow row;
    row.id = ++id;
    row.kind = f.spec.kind;
    row.description = f.spec.id + ": " + faults::describe(f.spec);
    row.nodes = f.nodes;
    row.planned_at = to_ns(f.spec.at);
    if (f.injected) {
      row.injected_at = to_ns(f.injected_at);
      if (f.healed_at != kNever) row.healed_at = to_ns(f.healed_at);
    }
    row.effective = f.effective;
    row.evidence = f.evidence;
    const faults::LinkCounts& c = links.counts(f.spec.id);
    for (const auto& [name, by_type] :
         {std::pair{"blocked", &c.blocked}, std::pair{"dropped", &c.dropped},
          std::pair{"delayed", &c.delayed}, std::pair{"duplicated", &c.duplicated},
          std::pair{"reordered", &c.reordered}}) {
      if (total(*by_type) > 0) row.counts[name] = total(*by_type);
    }
    report.faults.push_back(std::move(row));
  }
}

void add_recovery(RunReport& report, const Director& director) {
  if (const auto t = director.torture_end()) report.phases.torture_end = to_ns(*t);
  if (const auto t = director.healed()) report.phases.healed = to_ns(*t);
  if (const auto t = director.recovered()) report.phases.recovered = to_ns(*t);
  const checkers::LivenessFacts facts = director.liveness_facts();
  const auto after_heal = [&](const std::optional<Instant>& t) {
    return t ? seconds_text(*t - facts.healed) + " after the heal" : std::string("never");
  };
  report.liveness.push_back({"a leader that lasted", after_heal(facts.leader)});
  report.liveness.push_back(
      {"closing writes and reads, converged", after_heal(director.recovered())});
  if (const std::string& left = director.recovery().left; !left.empty()) {
    report.liveness.push_back({"left broken", left});
  }
  for (const checkers::VoterState& v : facts.voters) {
    report.liveness.push_back({name_of(v.node), (v.running ? "log to " : "down; log to ") +
                                                    std::to_string(v.last_index) + ", applied to " +
                                                    std::to_string(v.applied)});
  }
}

void add_marks(RunReport& report, const TestSpec& spec, const Director& director) {
  constexpr std::string_view kBug = "bug:";
  for (const auto& [name, count] : director.timeline().marks()) {
    if (name.rfind(kBug, 0) == 0) {
      report.bugs.push_back({name.substr(kBug.size()), count});
    } else {
      report.marks.push_back({name, count});
    }
  }
  for (const std::string& bug : spec.bugs) {
    const bool seen = std::any_of(report.bugs.begin(), report.bugs.end(),
                                  [&](const reports::Count& c) { return c.name == bug; });
    if (!seen) report.bugs.push_back({bug, 0});
  }
}

std::string snapshots_text(const TestSpec& spec) {
  std::string out;
  if (spec.snapshot_entries != 0) {
    out = "after " + std::to_string(spec.snapshot_entries) + " entries";
  }
  if (spec.snapshot_bytes != 0) {
    out += (out.empty() ? "after " : " or ") + std::to_string(spec.snapshot_bytes) + " bytes";
  }
  if (spec.snapshot_interval != Duration{}) {
    out += (out.empty() ? "after " : " or ") + format_duration(spec.snapshot_interval);
  }
  if (out.empty()) return "never";
  return out + ", " + std::to_string(spec.snapshot_trailing) + " entries kept in front";
}

}  // namespace

std::vector<reports::Fact> option_facts(const TestSpec& spec) {
  const auto joined = [](const std::vector<std::string>& items) {
    std::string out;
    for (const std::string& item : items) out += (out.empty() ? "" : ", ") + item;
    return out.empty() ? std::string("none") : out;
  };
  return {
      {"seed", std::to_string(spec.seed)},
      {"world", spec.world},
      {"nodes", std::to_string(spec.nodes) +
                    (spec.spares == 0 ? "" : " and " + std::to_string(spec.spares) + " spare")},
      {"members change",
       spec.membership == "single" ? "one voter at a time" : "by joint consensus"},
      {"workload", spec.workload + (spec.small_domain ? ", values 0 to 4" : ", unique values")},
      {"faults", joined(spec.faults)},
      {"bugs planted", joined(spec.bugs)},
      {"time limit", format_duration(spec.time_limit)},
      {"nemesis interval",
       format_duration(spec.interval_low) + " to " + format_duration(spec.interval_high)},
      {"workers", std::to_string(spec.workers())},
      {"rate", spec.rate == 0 ? "closed loop" : std::to_string(spec.rate) + " ops/s"},
      {"op timeout", format_duration(spec.op_timeout)},
      {"workers that follow and retry",
       spec.follow_one_in == 0 ? "none" : "one in " + std::to_string(spec.follow_one_in)},
      {"reads through the log", std::to_string(spec.log_read_percent) + " %"},
      {"other reads", (spec.reads == "lease"
                           ? "by a lease, drift up to " + std::to_string(spec.lease_drift) + " %" +
                                 (spec.drift == "any" ? ", which the clocks do not keep" : "")
                           : std::string("by read index")) +
                          (spec.follower_reads ? ", at followers too" : "")},
      {"election timeout", format_duration(spec.election_timeout) + " to " +
                               format_duration(2 * spec.election_timeout)},
      {"heartbeat interval", format_duration(spec.heartbeat_interval)},
      {"sessions expire", spec.session_entries == 0
                              ? "never"
                              : "after " + std::to_string(spec.session_entries) + " entries"},
      {"watches go back", std::to_string(spec.watch_entries) + " entries"},
      {"batching", spec.batching},
      {"pipelining", spec.pipelining},
      {"segment size", std::to_string(spec.segment_bytes) + " bytes"},
      {"snapshots", snapshots_text(spec)},
      {"who recovers at the end", spec.heal == "quorum" ? "a quorum" : "every node"},
      {"judged by",
       spec.ignore_traces ? "the clients' history alone" : "history, frames, files, traces"},
  };
}

reports::RunReport judge(const TestSpec& spec, Director& director, const faults::LinkTable& links,
                         const WorldFacts& world, const std::string& started, bool judge_history) {
  RunReport report;
  report.test = spec.workload;
  report.world = spec.world;
  report.seed = spec.seed;
  report.nodes = spec.all_nodes();
  report.started = started;
  report.command = command_line(spec);
  report.options = option_facts(spec);
  report.checks = all_checks(spec, director, links, world, judge_history);
  report.history = director.history();
  report.duration = to_ns(director.ended());
  conclude(report, director);
  add_faults(report, director, links);
  add_recovery(report, director);
  add_marks(report, spec, director);
  report.roles = director.timeline().roles();
  report.outages = director.timeline().outages();
  report.leader_changes = director.timeline().leader_changes();
  report.counters = director.timeline().counters();
  report.stalls = world.stalls;
  for (const reports::MachineStall& stall : director.timeline().trace_stalls()) {
    report.stalls.push_back(stall);
  }
  for (const reports::Fact& fact : world.facts) report.liveness.push_back(fact);
  return report;
}

}  // namespace ww::run
