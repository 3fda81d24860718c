// The bundled node's own evidence: real replicas, real log files, a hostile network, crashes.
// Without a bug no rule is broken; with each bug of the zoo that invariants can see, the right one
// is.
#include <algorithm>
#include <catch2/catch.hpp>
#include <deque>
#include <memory>
#include <queue>

#include "base/rng.hpp"
#include "base/wire/frame.hpp"
#include "checkers/invariants/invariant_checker.hpp"
#include "faults/disk/disk_model.hpp"
#include "nodes/host/driver.hpp"
#include "nodes/storage/byte_store.hpp"
#include "nodes/storage/log_store.hpp"
#include "tests/unit/invariant_tale.hpp"
#include "tests/unit/test_seed.hpp"

namespace ww::test {
namespace {

constexpr std::uint32_t kNodes = 4;
constexpr std::uint32_t kVoters = 3;  // at first
constexpr std::uint32_t kClients = 3;

/// A process and its disk.
struct Machine {
  storage::MemoryStore files;
  faults::DiskModel disk;
  std::unique_ptr<storage::LoggedStore> logged;
  std::optional<storage::LogStore> log;
  std::unique_ptr<host::Driver> driver;
  Incarnation incarnation = 0;
  std::uint64_t sequence = 0;
  struct Job {
    host::DiskWrite write;
    std::string entries;
  };
  std::deque<Job> jobs;
  bool working = false;  // a disk event is scheduled
};

/// What a client waits for; it has one request open and repeats it until it is answered.
struct Client {
  SessionId session;
  std::uint64_t seq = 0;
  std::uint64_t request = 0;
  bool open = false;
};

class Torture {
 public:
  Torture(std::uint64_t seed, std::optional<bugs::Bug> bug)
      : rng_(keyed(seed, "invariant-node")), seed_(seed), bug_(bug), checker_(options()) {
    for (std::uint32_t n = 1; n <= kNodes; ++n) start(n);
    for (std::uint32_t c = 1; c <= kClients; ++c) at(milliseconds(400), [this, c] { ask(c); });
    at(milliseconds(700), [this] { nemesis(); });
  }

  std::map<std::string, CheckResult> run(Duration length) {
    while (!queue_.empty() && queue_.top().time < Instant{} + length) {
      now_ = queue_.top().time;
      const auto action = queue_.top().action;
      queue_.pop();
      action();
      // Traces are read now and then, and not in the order in which the nodes wrote them.
      if (rng_.chance_ppm(200'000)) read_some(1 + static_cast<std::uint32_t>(rng_.below(kNodes)));
    }
    for (std::uint32_t n = 1; n <= kNodes; ++n) {
      if (machines_[n].driver) kill(n, Death::kKilled);
      while (!unread_[n].empty()) read_some(n);
    }
    std::map<std::string, CheckResult> results;
    for (CheckResult& result : checker_.finish()) results[result.checker] = std::move(result);
    return results;
  }

 private:
  struct Event {
    Instant time{};
    std::uint64_t order = 0;
    std::function<void()> action;
    bool operator<(const Event& other) const {
      return std::pair{time, order} > std::pair{other.time, other.order};
    }
  };

  static checkers::InvariantOptions options() {
    checkers::InvariantOptions out;
    for (std::uint32_t n = 1; n <= kNodes; ++n) {
      (n <= kVoters ? out.voters : out.spares).push_back(NodeId{n});
    }
    return out;
  }

  void at(Duration delay, std::function<void()> action) {
    queue_.push({now_ + delay, ++order_, std::move(action)});
  }
  void read_some(std::uint32_t n) {
    for (std::uint64_t k = 1 + rng_.below(60); k > 0 && !unread_[n].empty(); --k) {
      unread_[n].front()();
      unread_[n].pop_front();
    }
  }

  void trace(std::uint32_t n, wire::trace::Event event) {
    Machine& m = machines_[n];
    unread_[n].emplace_back([this, n, inc = m.incarnation,
                             record = wire::trace::Record{++m.sequence, now_, std::move(event)}] {
      checker_.on_trace(NodeId{n}, inc, record);
    });
  }

  void start(std::uint32_t n) {
    Machine& m = machines_[n];
    ++m.incarnation;
    m.sequence = 0;
    m.working = false;
    unread_[n].emplace_back(
        [this, n, inc = m.incarnation, time = now_] { checker_.on_start(NodeId{n}, inc, time); });
    m.logged =
        std::make_unique<storage::LoggedStore>(m.files, [this, n](const wire::trace::Store& op) {
          machines_[n].disk.apply(op);
          trace(n, op);
        });
    storage::Survived survived;
    auto log =
        storage::LogStore::open(*m.logged, {.node = NodeId{n}, .segment_bytes = 4096}, survived);
    REQUIRE(log);
    m.log.emplace(std::move(*log));
    raft::Config config;
    config.self = NodeId{n};
    config.voters = options().voters;
    config.incarnation = m.incarnation;
    config.seed = seed_;
    config.election_timeout = milliseconds(100);
    config.heartbeat_interval = milliseconds(20);
    if (keyed(seed_, "snapshots").below(4) != 0) {
      config.snapshots = {5 + keyed(seed_, "entries").below(40),
                          0,
                          {},
                          keyed(seed_, "trailing").below(8),
                          static_cast<std::uint32_t>(20 + keyed(seed_, "piece").below(400))};
    }
    if (bug_) config.bugs.turn_on(*bug_);
    host::Output out;
    m.driver = std::make_unique<host::Driver>(config, host::durable_of(std::move(survived)),
                                              moment(), out);
    carry_out(n, out);
    tick(n);
  }

  [[nodiscard]] host::Moment moment() const { return {{now_, now_}, now_}; }

  void tick(std::uint32_t n) {
    at(milliseconds(5), [this, n, inc = machines_[n].incarnation] {
      Machine& m = machines_[n];
      if (!m.driver || m.incarnation != inc) return;
      if (now_ >= m.driver->deadline()) step(n, raft::TimerDue{});
      tick(n);
    });
  }

  void step(std::uint32_t n, const raft::Input& input) {
    host::Output out;
    machines_[n].driver->step(moment(), input, out);
    carry_out(n, out);
  }

  void carry_out(std::uint32_t n, const host::Output& out) {
    for (const wire::trace::Event& event : out.events) trace(n, event);
    for (const host::Action& action : out.actions) {
      if (const auto* write = std::get_if<host::DiskWrite>(&action.what)) {
        machines_[n].jobs.push_back({*write, std::string(out.view(write->entries))});
        work(n);
      } else if (const auto* send = std::get_if<host::Outgoing>(&action.what)) {
        post(n, send->to.value, std::string(out.view(send->frame).substr(wire::kFrameHeader)));
      } else if (const auto* reply = std::get_if<host::Reply>(&action.what)) {
        if (rng_.chance_ppm(200'000)) continue;  // lost: the client will repeat itself
        answer(reply->id, reply->reply);
      } else if (const auto* save = std::get_if<host::DiskSave>(&action.what)) {
        go_on_saving(n, *save, std::string(out.view(save->snapshot)), false);
      }
    }
  }

  /// Saves a snapshot in slices between the writes, those that were queued before it first.
  void go_on_saving(std::uint32_t n, host::DiskSave save, const std::string& bytes, bool begun) {
    at(milliseconds(rng_.between(0, 8)), [=, this, inc = machines_[n].incarnation] {
      Machine& m = machines_[n];
      if (!m.driver || m.incarnation != inc) return;
      if (!begun && !m.jobs.empty()) return go_on_saving(n, save, bytes, false);
      if (!begun) REQUIRE(m.log->begin_snapshot(save.at, bytes));
      const auto whole = m.log->write_snapshot(100);
      REQUIRE(whole);
      if (!*whole) return go_on_saving(n, save, bytes, true);
      REQUIRE(m.log->finish_snapshot());
      step(n, raft::Saved{save.id, {}});
    });
  }

  /// The writer's thread: what is queued is written and synced together.
  void work(std::uint32_t n) {
    Machine& m = machines_[n];
    if (m.working) return;
    m.working = true;
    at(milliseconds(rng_.between(0, 8)), [this, n, inc = m.incarnation] {
      Machine& machine = machines_[n];
      if (!machine.driver || machine.incarnation != inc) return;
      machine.working = false;
      std::deque<Machine::Job> jobs;
      jobs.swap(machine.jobs);
      bool sync = false;
      for (const Machine::Job& job : jobs) {
        REQUIRE(machine.log->write({.state = job.write.state,
                                    .truncate_from = job.write.truncate_from,
                                    .first = job.write.range.first,
                                    .count = job.write.range.count,
                                    .entries = job.entries,
                                    .reset_to = job.write.reset_to}));
        sync |= job.write.sync;
      }
      if (sync) REQUIRE(machine.log->sync());
      for (const Machine::Job& job : jobs) step(n, raft::Written{job.write.id, {}});
    });
  }

  void post(std::uint32_t from, std::uint32_t to, const std::string& payload) {
    checker_.on_frame(now_, *wire::peek_envelope(payload), payload);
    if (cut_[from][to] || rng_.chance_ppm(30'000)) return;
    const int copies = rng_.chance_ppm(50'000) ? 2 : 1;
    for (int copy = 0; copy < copies; ++copy) {
      const auto most = rng_.chance_ppm(20'000) ? 400 : 10;
      at(milliseconds(rng_.between(0, most)), [this, to, payload] {
        Machine& m = machines_[to];
        if (!m.driver) return;
        const auto frame = wire::decode_peer(payload);
        REQUIRE(frame);
        host::Output out;
        m.driver->receive(moment(), *frame, out);
        carry_out(to, out);
      });
    }
  }

  void ask(std::uint32_t c) {
    Client& client = clients_[c];
    at(milliseconds(rng_.between(5, 60)), [this, c] { ask(c); });
    const auto n = 1 + static_cast<std::uint32_t>(rng_.below(kNodes));
    if (!machines_[n].driver) return;
    if (!client.open) {
      client.open = true;
      if (client.session.value != 0) ++client.seq;
    }
    raft::Request request;
    request.id = {ClientId{c}, ++client.request};
    if (client.session.value == 0) {
      request.command.kind = wire::CommandKind::kOpenSession;
    } else {
      request.command.kind = wire::CommandKind::kAppend;
      request.command.session = client.session;
      request.command.seq = client.seq;
      request.command.key = "k" + std::to_string(client.seq % 3);
      request.command.value = "c" + std::to_string(c) + "." + std::to_string(client.seq) + " ";
    }
    step(n, request);
  }

  void answer(raft::RequestId id, const wire::ClientReply& reply) {
    Client& client = clients_[id.connection.value];
    if (reply.outcome != wire::Outcome::kOk || !client.open) return;
    if (client.session.value == 0) client.session = reply.session;
    client.open = false;
    Op op;
    op.index = ops_++;
    op.time = to_ns(now_);
    op.type = OpType::kOk;
    op.at = reply.at;
    checker_.on_op(op);
  }

  void nemesis() {
    at(milliseconds(rng_.between(100, 500)), [this] { nemesis(); });
    if (rng_.chance_ppm(300'000)) return change_members();
    const auto n = 1 + static_cast<std::uint32_t>(rng_.below(kNodes));
    switch (rng_.below(5)) {
      case 0:
        for (auto& row : cut_) std::fill(std::begin(row), std::end(row), false);
        break;
      case 1:
        for (std::uint32_t other = 1; other <= kNodes; ++other) {
          if (other != n) cut_[n][other] = cut_[other][n] = true;
        }
        break;
      case 2:
        cut_[n][1 + rng_.below(kNodes)] = true;
        break;
      default:
        if (!machines_[n].driver) break;
        kill(n, rng_.chance_ppm(600'000) ? Death::kPowerLoss : Death::kKilled);
        at(milliseconds(rng_.between(10, 200)), [this, n] { start(n); });
    }
  }

  /// Whoever leads is asked for other voters, two at least.
  void change_members() {
    for (std::uint32_t n = 1; n <= kNodes; ++n) {
      if (!machines_[n].driver) continue;
      if (machines_[n].driver->replica().role() != wire::Role::kLeader) continue;
      raft::ChangeMembership change;
      const auto left_out = static_cast<std::uint32_t>(rng_.below(kNodes + 1));
      for (std::uint32_t other = 1; other <= kNodes; ++other) {
        if (other != left_out) change.voters.push_back(NodeId{other});
      }
      if (rng_.below(3) == 0) change.mode = wire::MembershipMode::kSingle;
      step(n, change);
    }
  }

  void kill(std::uint32_t n, Death how) {
    Machine& m = machines_[n];
    m.driver.reset();
    m.log.reset();
    m.jobs.clear();
    const DiskImage before = m.files.files;
    DiskImage after = before;
    if (how == Death::kPowerLoss) {
      faults::Loss loss;
      const auto style = static_cast<faults::CrashStyle>(rng_.below(faults::kCrashStyles));
      after = m.disk.crash(rng_.next(), style, loss);
      m.disk.reset(after);
      m.files.files = after;
    } else {
      REQUIRE(m.disk.survive_kill(before));
    }
    unread_[n].emplace_back([this, n, inc = m.incarnation, time = now_, how, before, after] {
      checker_.on_death(NodeId{n}, inc, time, how, false);
      checker_.on_disk(NodeId{n}, time, before, after);
    });
  }

  Rng rng_;
  std::uint64_t seed_;
  std::optional<bugs::Bug> bug_;
  checkers::InvariantChecker checker_;
  Instant now_{};
  std::uint64_t order_ = 0;
  std::priority_queue<Event> queue_;
  Machine machines_[kNodes + 1];
  std::deque<std::function<void()>> unread_[kNodes + 1];
  Client clients_[kClients + 1];
  bool cut_[kNodes + 1][kNodes + 1] = {};
  std::uint64_t ops_ = 0;
};

/// How many of `seeds` runs with `bug` break each rule.
std::map<std::string, int> broken_by(bugs::Bug bug, int seeds) {
  std::map<std::string, int> out;
  for (int k = 0; k < seeds; ++k) {
    const auto results = Torture(seed() + static_cast<std::uint64_t>(k), bug).run(seconds(6));
    for (const auto& [id, result] : results) out[id] += result.verdict == Verdict::kInvalid;
  }
  return out;
}

TEST_CASE("the bundled node breaks no rule under faults") {
  std::map<std::string, std::uint64_t> evaluated;
  for (std::uint64_t k = 0; k < 12; ++k) {
    INFO(repeat_with() << ", run " << k);
    const auto results = Torture(seed() + k, std::nullopt).run(seconds(6));
    INFO(violations_of(results));
    for (const auto& [id, result] : results) {
      INFO(id);
      CHECK(result.verdict != Verdict::kInvalid);
      evaluated[id] += result.evaluated;
    }
    CHECK(results.at("TraceTruth").numbers.at("orphan receives") == 0);
    CHECK(results.at("TraceTruth").numbers.at("frames not compared") == 0);
  }
  for (const auto& [id, count] : evaluated) {
    INFO(id);
    if (id != "Corrupt") CHECK(count > 0);  // No disk is damaged here.
  }
}

TEST_CASE("ack-before-fsync breaks AckTruth and CommitDurable") {
  INFO(repeat_with());
  const auto broken = broken_by(bugs::Bug::kAckBeforeFsync, 4);
  CHECK(broken.at("AckTruth") == 4);
  CHECK(broken.at("CommitDurable") == 4);
}

TEST_CASE("vote-ram-only breaks Vote1 and Term") {
  INFO(repeat_with());
  const auto broken = broken_by(bugs::Bug::kVoteRamOnly, 4);
  CHECK(broken.at("Vote1") == 4);
  CHECK(broken.at("Term") == 4);
}

TEST_CASE("no-dedupe breaks Session") {
  INFO(repeat_with());
  const auto broken = broken_by(bugs::Bug::kNoDedupe, 4);
  CHECK(broken.at("Session") == 4);
}

TEST_CASE("commit-old-term breaks OwnTerm") {
  INFO(repeat_with());
  CHECK(broken_by(bugs::Bug::kCommitOldTerm, 12).at("OwnTerm") > 0);
}

TEST_CASE("trunc-on-stale-ae breaks AckTruth") {
  INFO(repeat_with());
  CHECK(broken_by(bugs::Bug::kTruncOnStaleAe, 4).at("AckTruth") > 0);
}

}  // namespace
}  // namespace ww::test
