#include "tests/unit/report_samples.hpp"

#include <algorithm>
#include <array>

#include "base/rng.hpp"

namespace ww::reports::samples {

namespace {

constexpr std::int64_t kMs = 1'000'000;
constexpr std::int64_t kSecond = 1'000 * kMs;
constexpr std::uint32_t kNodes = 5;
constexpr std::int64_t kTortureEnd = 40 * kSecond;
constexpr std::int64_t kEnd = 43 * kSecond;

constexpr std::array<std::string_view, 6> kKinds = {"kill",   "pause", "partition",
                                                    "packet", "clock", "power-loss"};
constexpr std::array<std::string_view, 6> kWhat = {"one",         "primaries",  "isolate-leader",
                                                   "delay 50 ms", "drift +4 %", "minority"};

/// Elections, and the roles of the nodes between them.
void add_cluster(RunReport& report, Rng rng) {
  std::int64_t from = 0;
  Term term = 0;
  std::vector<std::int64_t> follows_since(kNodes + 1, 0);
  while (from < kEnd) {
    ++term;
    const NodeId leader{static_cast<std::uint32_t>(1 + rng.below(kNodes))};
    const std::int64_t won = std::min(kEnd, from + rng.between(150 * kMs, 450 * kMs));
    const std::int64_t until =
        won > 37 * kSecond ? kEnd : std::min(kEnd, won + rng.between(2 * kSecond, 5 * kSecond));
    const std::int64_t stood = won - 40 * kMs;
    for (std::uint32_t n = 1; n <= kNodes; ++n) {
      if (NodeId{n} == leader) {
        report.roles.push_back({leader, from, stood - 30 * kMs, wire::Role::kFollower, term - 1});
        report.roles.push_back(
            {leader, stood - 30 * kMs, stood, wire::Role::kPreCandidate, term - 1});
        report.roles.push_back({leader, stood, won, wire::Role::kCandidate, term});
        report.roles.push_back({leader, won, until, wire::Role::kLeader, term});
      } else {
        report.roles.push_back({NodeId{n}, from, won, wire::Role::kFollower, term - 1});
        report.roles.push_back({NodeId{n}, won, until, wire::Role::kFollower, term});
      }
    }
    report.leader_changes.push_back({won, leader, term});
    from = until;
  }
}

void add_faults(RunReport& report, Rng rng) {
  std::int64_t at = 2 * kSecond;
  for (std::uint64_t id = 1; at < kTortureEnd - 3 * kSecond; ++id) {
    const std::size_t kind = (id - 1) % kKinds.size();
    const NodeId node{static_cast<std::uint32_t>(1 + rng.below(kNodes))};
    FaultRow fault;
    fault.id = id;
    fault.kind = kKinds[kind];
    fault.description = std::string(kWhat[kind]);
    fault.nodes = {node};
    fault.planned_at = at;
    fault.injected_at = at + rng.between(0, 3 * kMs);
    fault.healed_at = *fault.injected_at + rng.between(kSecond, 3 * kSecond);
    fault.effective = id % 7 != 0;
    fault.evidence =
        fault.effective ? "blocked 3 votes and 41 appends" : "no message crossed the cut";
    fault.counts = {{"append", rng.below(90)}, {"vote", rng.below(9)}};
    if (kind == 0 || kind == 5) {
      report.outages.push_back(
          {node, *fault.injected_at, *fault.healed_at, Outage::kDead, fault.kind});
      fault.counts = {{"lost-bytes", rng.below(9000)}};
      fault.evidence = "the node held unsynced bytes";
    }
    if (kind == 1) {
      report.outages.push_back({node, *fault.injected_at, *fault.healed_at, Outage::kPaused, ""});
    }
    report.faults.push_back(fault);
    at += rng.between(kSecond, 3 * kSecond);
  }
}

/// Clients on keys that rotate, some 50 ops/s each; log indices grow with the completions.
History make_history(std::size_t ops, Rng rng) {
  const auto clients = static_cast<std::int64_t>(std::max<std::size_t>(10, ops / 2000));
  struct Line {
    std::int64_t time;
    Op op;
  };
  std::vector<Line> lines;
  std::vector<std::int64_t> free(static_cast<std::size_t>(clients), 0);
  std::vector<std::int64_t> process(static_cast<std::size_t>(clients), 0);
  for (std::int64_t c = 0; c < clients; ++c) process[static_cast<std::size_t>(c)] = c;
  const std::int64_t pace = ops == 0 ? 0 : kTortureEnd * clients / static_cast<std::int64_t>(ops);
  for (std::size_t i = 0; i < ops; ++i) {
    const std::size_t client = i % static_cast<std::size_t>(clients);
    Op op;
    op.process = process[client];
    op.key = i / 256;
    op.node = NodeId{static_cast<std::uint32_t>(client % kNodes) + 1};
    const std::uint64_t dice = rng.below(100);
    op.f = dice < 45 ? Func::kRead : dice < 80 ? Func::kWrite : Func::kCas;
    if (op.f != Func::kRead) op.value = static_cast<std::int64_t>(i);
    if (op.f == Func::kCas) op.to = static_cast<std::int64_t>(i + 1);
    op.time = free[client] + rng.between(0, std::max<std::int64_t>(1, pace / 4));
    lines.push_back({op.time, op});
    // Latencies spread over three decades: mostly short, sometimes an election long.
    std::int64_t length = rng.between(200'000, 1'400'000) << rng.below(4);
    if (rng.below(200) == 0) length += rng.between(50 * kMs, 600 * kMs);
    const std::uint64_t fate = rng.below(1000);
    Op done = op;
    done.time = op.time + length;
    done.type = fate < 960 ? OpType::kOk : fate < 988 ? OpType::kFail : OpType::kInfo;
    if (done.type == OpType::kOk) {
      if (op.f == Func::kRead) done.value = static_cast<std::int64_t>(i > 9 ? i - 9 : 0);
      if (op.f == Func::kCas && fate < 300) {
        done.matched = false;
        done.seen = static_cast<std::int64_t>(i / 2);
      }
      done.at = {i + 7, 1 + static_cast<Term>(done.time / (4 * kSecond))};
    } else {
      done.error = done.type == OpType::kFail ? "not-leader" : "timeout";
      if (done.type == OpType::kInfo) done.time = op.time + kSecond;
    }
    if (fate < 999) lines.push_back({done.time, done});
    if (done.type == OpType::kInfo) process[client] += clients;
    // After an info the worker goes on at once, as another process.
    const std::int64_t until = done.type == OpType::kInfo ? 0 : done.time;
    free[client] = std::max(until, free[client] + pace);
  }
  std::stable_sort(lines.begin(), lines.end(),
                   [](const Line& a, const Line& b) { return a.time < b.time; });
  History history;
  for (Line& line : lines) {
    line.op.index = history.size();
    history.push_back(std::move(line.op));
  }
  return history;
}

CheckResult check(std::string name, std::string title, std::uint64_t evaluated) {
  CheckResult out;
  out.checker = std::move(name);
  out.title = std::move(title);
  out.verdict = Verdict::kValid;
  out.evaluated = evaluated;
  out.seconds = 0.125;
  return out;
}

CheckResult& find(RunReport& report, std::string_view name) {
  return *std::find_if(report.checks.begin(), report.checks.end(),
                       [&](const CheckResult& c) { return c.checker == name; });
}

void violate(RunReport& report, CheckResult& check, Violation violation) {
  check.verdict = Verdict::kInvalid;
  check.reason = violation.summary;
  check.violation_count = 1;
  report.verdict = Verdict::kInvalid;
  report.exit_code = 1;
  report.cause = violation.summary;
  check.violations = {std::move(violation)};
}

Op line(std::uint64_t index, std::int64_t time, OpType type, std::int64_t process, Func f,
        std::uint64_t key, Value value, std::uint32_t node) {
  Op op;
  op.index = index;
  op.time = time;
  op.type = type;
  op.process = process;
  op.f = f;
  op.key = key;
  op.value = std::move(value);
  op.node = NodeId{node};
  return op;
}

}  // namespace

const std::string kHostile =
    "</script><script>alert(1)</script> ]]> \"quoted\" 'single' & \x01\x1b[31m\x7f \xff\xc3( "
    "{{data}} \xef\xbf\xbf $& line\nbreak";

Sample valid_run(std::size_t ops, std::uint64_t seed) {
  Sample sample;
  sample.history = make_history(ops, keyed(seed, "sample.history"));
  RunReport& r = sample.report;
  r.test = "register";
  r.world = "live";
  r.seed = 0x9e3779b97f4a7c15ULL + seed;
  r.nodes = kNodes;
  r.started = "2026-11-23T02:14:47Z";
  r.duration = kEnd;
  r.command =
      "./whitewater run -s 11400714819323198486 -n 5 -w register --faults all --time-limit 40s";
  r.version = "0.1.0";
  r.commit = "af7ccae";
  r.compiler = "g++ 12.2.0";
  r.options = {{"workload", "register"}, {"nodes", "5"},        {"concurrency", "10"},
               {"rate", "1000 ops/s"},   {"faults", "all"},     {"nemesis-interval", "2-5 s"},
               {"time-limit", "40 s"},   {"election", "300 ms"}};
  r.verdict = Verdict::kValid;
  r.exit_code = 0;
  r.cause = "17 rules held, evaluated 1,204,977 times.";
  r.checks = {check("linearizable", "the history of each key is that of one copy", ops),
              check("statistics", "every function had ok ops", 3),
              check("ES", "at most one leader a term", 14),
              check("Vote1", "at most one vote a term and node, across restarts", 122),
              check("Promise", "no success for a term below the one voted in", 9'231),
              check("LM", "equal index and term, equal entries", 402'117),
              check("CommitDurable", "a commit is synced on a majority", 20'771),
              check("Session", "each command has one effect", 18'022),
              check("liveness", "the cluster recovers after the heal", 1)};
  r.checks[0].numbers = {{"keys", 79}, {"keys.searched", 2}, {"states", 1'204}};
  r.fault_kinds.assign(kKinds.begin(), kKinds.end());
  add_cluster(r, keyed(seed, "sample.cluster"));
  add_faults(r, keyed(seed, "sample.faults"));
  r.marks = {{"conflict-truncation", 17},
             {"prevote-refused", 44},
             {"torn-tail-cut", 3},
             {"readindex-waited", 2'312},
             {"checkquorum-stepdown", 0}};
  for (std::uint32_t n = 1; n <= kNodes; ++n) {
    r.counters.push_back(
        {NodeId{n}, {{"sent", 40'000 + n}, {"blocked", 97 * n}, {"restarts", n % 3}}});
  }
  r.stalls = {{12 * kSecond, 41 * kMs, "fsync"}};
  r.liveness = {{"a leader that lasted", "0.412 s after the heal"},
                {"closing writes and reads, converged", "0.688 s after the heal"}};
  r.phases = {kTortureEnd, kTortureEnd + 4 * kMs, kTortureEnd + 688 * kMs};
  r.history = sample.history;
  return sample;
}

Sample stale_read_run(std::size_t ops) {
  Sample sample = valid_run(ops, 2);
  constexpr std::int64_t kAt = 17 * kSecond + 204 * kMs;
  // Three ops of a key of their own, put where they belong in time.
  History extra = {
      line(0, kAt, OpType::kInvoke, 901, Func::kWrite, 4711, std::int64_t{5}, 2),
      line(0, kAt + 3 * kMs, OpType::kOk, 901, Func::kWrite, 4711, std::int64_t{5}, 2),
      line(0, kAt + 5 * kMs, OpType::kInvoke, 902, Func::kCas, 4711, std::int64_t{5}, 4),
      line(0, kAt + 9 * kMs, OpType::kOk, 902, Func::kCas, 4711, std::int64_t{5}, 4),
      line(0, kAt + 61 * kMs, OpType::kInvoke, 903, Func::kRead, 4711, {}, 1),
      line(0, kAt + 62 * kMs, OpType::kOk, 903, Func::kRead, 4711, std::int64_t{5}, 1)};
  for (const std::size_t cas : {std::size_t{2}, std::size_t{3}}) extra[cas].to = std::int64_t{8};
  extra[1].at = {4'410, 6};
  extra[3].at = {4'417, 7};
  extra[5].at = {4'410, 6};
  History merged;
  std::merge(sample.history.begin(), sample.history.end(), extra.begin(), extra.end(),
             std::back_inserter(merged), [](const Op& a, const Op& b) { return a.time < b.time; });
  Violation violation;
  violation.property = "LIN";
  violation.summary =
      "key 4711: process 903 read 5 at 17.266 s, but process 902 had changed it from 5 to 8 at "
      "17.213 s "
      "and nobody wrote 5 again";
  violation.time = kAt + 62 * kMs;
  violation.nodes = {"n2", "n4", "n1"};
  for (std::size_t i = 0; i < merged.size(); ++i) {
    merged[i].index = i;
    if (merged[i].key == 4711) violation.witness.push_back(merged[i]);
  }
  violation.evidence = {
      "17.190 s  n1 leader in term 6, cut off by partition isolate-leader (fault 3)",
      "17.205 s  n4 granted its vote in term 7 to n2",
      "17.206 s  n2 leader in term 7, granters n2 n4 n5", "17.213 s  n2 committed 4417 in term 7",
      "17.266 s  n1 answered read of k4711 at index 4410 without a round in term 6"};
  sample.history = std::move(merged);
  sample.report.history = sample.history;
  sample.report.bugs = {{"local-read", 12}};
  violate(sample.report, find(sample.report, "linearizable"), std::move(violation));
  return sample;
}

Sample two_leaders_run(std::size_t ops) {
  Sample sample = valid_run(ops, 3);
  RunReport& r = sample.report;
  constexpr std::int64_t kAt = 9 * kSecond + 871 * kMs;
  Violation violation;
  violation.property = "ES";
  violation.summary = "n2 and n5 both led term 3";
  violation.time = kAt;
  violation.nodes = {"n2", "n5", "n4"};
  violation.evidence = {
      "9.702 s  n4/1 vote term 3 cand n2 granted (own last 311,2; candidate's 311,2)",
      "9.702 s  n4/1 tx vote-reply to n2 id 1048611 granted term 3, seen at the proxy",
      "9.704 s  n2/1 role leader term 3 granters n2 n3 n4",
      "9.731 s  n4 killed (fault 4: kill one)",
      "9.822 s  n4/2 boot term 2 vote n0 last 311,2: the vote of term 3 was not kept",
      "9.869 s  n4/2 vote term 3 cand n5 granted",
      "9.871 s  n5/1 role leader term 3 granters n1 n4 n5"};
  r.bugs = {{"vote-ram-only", 3}};
  violate(r, find(r, "ES"), violation);
  Violation vote = violation;
  vote.property = "Vote1";
  vote.summary = "n4 granted its vote of term 3 to n2 and, after a restart, to n5";
  vote.time = kAt - 2 * kMs;
  vote.nodes = {"n4"};
  vote.evidence.pop_back();
  CheckResult& vote1 = find(r, "Vote1");
  violate(r, vote1, vote);
  vote1.violation_count = 2;
  return sample;
}

Sample unknown_run(std::size_t ops) {
  Sample sample = valid_run(ops, 4);
  RunReport& r = sample.report;
  CheckResult& lin = find(r, "linearizable");
  lin.verdict = Verdict::kUnknown;
  lin.reason = "key 12 was not decided within 10 s and 2 GiB";
  CheckResult vacuity = check("vacuity", "enough happened to prove something", 9);
  vacuity.verdict = Verdict::kUnknown;
  vacuity.reason = "no clock fault was effective";
  r.checks.push_back(vacuity);
  for (FaultRow& fault : r.faults) {
    if (fault.kind == "clock") fault.effective = false;
  }
  r.fault_kinds.push_back("disk");
  r.verdict = Verdict::kUnknown;
  r.exit_code = 2;
  r.cause = "linearizable: " + find(r, "linearizable").reason;
  return sample;
}

Sample hostile_run() {
  Sample sample = stale_read_run(200);
  RunReport& r = sample.report;
  for (Op& op : sample.history) {
    if (op.type != OpType::kInvoke && op.type != OpType::kOk) op.error = kHostile;
  }
  for (std::string* field : {&r.test, &r.world, &r.started, &r.command, &r.version, &r.commit,
                             &r.compiler, &r.outcome, &r.cause}) {
    *field = kHostile;
  }
  r.options = {{kHostile, kHostile}};
  r.liveness = {{kHostile, kHostile}};
  r.marks = {{kHostile, 1}};
  r.bugs = {{kHostile, 1}};
  r.fault_kinds = {kHostile};
  r.stalls.front().what = kHostile;
  r.counters.front().counts[kHostile] = 1;
  r.outages.front().cause = kHostile;
  FaultRow& fault = r.faults.front();
  fault.kind = fault.description = fault.evidence = kHostile;
  fault.counts[kHostile] = 2;
  for (CheckResult& c : r.checks) {
    c.checker = c.title = c.reason = kHostile;
    c.numbers[kHostile] = 1.5;
    for (Violation& violation : c.violations) {
      violation.property = violation.summary = kHostile;
      violation.nodes = violation.evidence = {kHostile};
      violation.witness.back().error = kHostile;
    }
  }
  return sample;
}

}  // namespace ww::reports::samples
