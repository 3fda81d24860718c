// The world between the nodes: it takes no node at its word, tells the machine's failures from the
// nodes', and draws by what happens and not by how much happened before.
#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "controller/run/plan_file.hpp"
#include "controller/worlds/data_directory.hpp"
#include "controller/worlds/discrete/discrete_run.hpp"
#include "controller/worlds/simulated/simulated_node.hpp"
#include "tests/support/program.hpp"

namespace {

using namespace ww;
namespace stepped = wire::stepped;

/// A node of the simulated world, and what a test does to it.
struct Puppetry {
  std::function<void(NodeId, stepped::Output&)> after;  // each step
  std::function<Result<void>(NodeId, const stepped::Clock&, const stepped::Event&)> before;
  std::function<std::optional<stepped::Event>(NodeId, const stepped::Event&)> instead;
  std::function<Result<void>(Incarnation)> boot;
  std::function<Result<void>(NodeId, DiskImage&)> files;
  std::function<Result<void>(const DiskImage&)> replace;
};

class Puppet final : public discrete::NodePort {
 public:
  Puppet(std::unique_ptr<discrete::NodePort> inner, NodeId id, const Puppetry& puppetry)
      : inner_(std::move(inner)), id_(id), puppetry_(puppetry) {}
  Result<void> boot(Incarnation incarnation, bool first_start, const stepped::Clock& clock,
                    stepped::Output& out) override {
    if (puppetry_.boot) {
      if (auto may = puppetry_.boot(incarnation); !may) return may;
    }
    auto done = inner_->boot(incarnation, first_start, clock, out);
    if (puppetry_.after) puppetry_.after(id_, out);
    return done;
  }
  Result<void> step(const stepped::Clock& clock, const stepped::Event& event,
                    stepped::Output& out) override {
    if (puppetry_.before) {
      if (auto may = puppetry_.before(id_, clock, event); !may) return may;
    }
    const auto other = puppetry_.instead ? puppetry_.instead(id_, event) : std::nullopt;
    auto done = inner_->step(clock, other ? *other : event, out);
    if (puppetry_.after) puppetry_.after(id_, out);
    return done;
  }
  void kill() override { inner_->kill(); }
  Result<DiskImage> files() override {
    auto found = inner_->files();
    if (!found || !puppetry_.files) return found;
    if (auto may = puppetry_.files(id_, *found); !may) return may.error();
    return found;
  }
  Result<void> replace_files(const DiskImage& image) override {
    if (puppetry_.replace) {
      if (auto may = puppetry_.replace(image); !may) return may;
    }
    return inner_->replace_files(image);
  }
  Result<void> reseed(std::uint64_t seed) override { return inner_->reseed(seed); }

 private:
  std::unique_ptr<discrete::NodePort> inner_;
  NodeId id_;
  const Puppetry& puppetry_;
};

run::FinishedRun run_with(const run::PlanFile& plan, const Puppetry& puppetry) {
  auto done = discrete::execute(
      plan, run::RunOptions{},
      [&](const run::TestSpec& spec, NodeId node) -> Result<std::unique_ptr<discrete::NodePort>> {
        auto inner = simulated::make_node(spec, node);
        if (!inner) return inner.error();
        return std::unique_ptr<discrete::NodePort>(
            std::make_unique<Puppet>(std::move(*inner), node, puppetry));
      });
  if (!done) FAIL(done.error().message);
  return std::move(*done);
}

run::PlanFile bare_plan(Duration limit = seconds(3)) {
  run::PlanFile plan;
  plan.test.world = "simulated";
  plan.test.seed = 11;
  plan.test.nodes = 3;
  plan.test.time_limit = limit;
  plan.test.rate = 200;
  plan.faults.seed = 11;
  plan.faults.nodes = 3;
  plan.faults.time_limit = limit;
  return plan;
}

faults::FaultSpec fault(const std::string& kind, const std::string& shape, NodeId node) {
  faults::FaultSpec spec;
  spec.id = "f1";
  spec.kind = kind;
  spec.shape = shape;
  spec.at = Instant{} + milliseconds(800);
  spec.duration = milliseconds(700);
  spec.target = faults::Target::kNamed;
  spec.nodes = {node};
  return spec;
}

/// Everything that a run says of crashes, violations and the machine.
std::string told_by(const run::FinishedRun& done) {
  std::string out = done.report.cause + "\n";
  for (const CheckResult& check : done.report.checks) {
    if (check.verdict == Verdict::kValid) continue;
    out += check.checker + ": " + check.reason + "\n";
    for (const Violation& v : check.violations) {
      out += v.property + " " + v.summary + "\n";
      for (const std::string& line : v.evidence) out += line + "\n";
    }
  }
  return out;
}

const Error kBadDisk{ErrorCode::kIo, true, "made up: the machine's disk"};

/// A node that ends by itself with this cause, some while into the torture.
run::FinishedRun run_that_ends(stepped::EndCause cause) {
  Puppetry puppetry;
  bool ended = false;
  int steps = 0;
  puppetry.after = [&](NodeId node, stepped::Output& out) {
    if (node != NodeId{2} || ended || ++steps < 400) return;
    ended = out.ended = true;
    out.cause = cause;
    out.last_words = "made up";
  };
  return run_with(bare_plan(), puppetry);
}

}  // namespace

TEST_CASE("files that the world cannot read or restore are the machine's failure") {
  run::PlanFile plan = bare_plan();
  Puppetry puppetry;
  SECTION("read") {
    plan.faults.faults = {fault("kill", "", NodeId{2})};
    puppetry.files = [](NodeId, DiskImage&) -> Result<void> { return kBadDisk; };
  }
  SECTION("left by a power loss") {
    plan.faults.faults = {fault("power-loss", "nothing", NodeId{2})};
    puppetry.replace = [](const DiskImage&) -> Result<void> { return kBadDisk; };
  }
  const run::FinishedRun done = run_with(plan, puppetry);
  INFO(told_by(done));
  CHECK(done.report.exit_code == 69);
  CHECK(done.report.cause == kBadDisk.message);
  CHECK(told_by(done).find("DiskAudit") == std::string::npos);
}

TEST_CASE("a file that cannot be read is an error, and an empty one is not") {
  const test::TemporaryFolder folder;
  std::filesystem::create_symlink("/dev/null", folder.path() + "/skipped");  // no plain file
  CHECK(worlds::write_image(folder.path(), {{"a", "bytes"}, {"empty", ""}}));
  const auto image = worlds::read_image(folder.path());
  REQUIRE(image);
  CHECK(*image == DiskImage{{"a", "bytes"}, {"empty", ""}});
  // A plain file that opens and whose first page nobody can read.
  std::filesystem::create_symlink("/proc/self/mem", folder.path() + "/bad");
  const auto broken = worlds::read_image(folder.path());
  REQUIRE_FALSE(broken);
  CHECK(broken.error().code == ErrorCode::kIo);
  CHECK(broken.error().message.find("/bad: cannot read") != std::string::npos);
}

TEST_CASE("a process that cannot be started is the machine's failure") {
  run::PlanFile plan = bare_plan();
  plan.faults.faults = {fault("kill", "", NodeId{2})};
  Puppetry puppetry;
  puppetry.boot = [](Incarnation incarnation) -> Result<void> {
    if (incarnation == 2) return Error{ErrorCode::kEnvironment, true, "made up: no descriptors"};
    return {};
  };
  const run::FinishedRun done = run_with(plan, puppetry);
  INFO(told_by(done));
  CHECK(done.report.exit_code == 69);
  CHECK(done.report.cause == "made up: no descriptors");
}

TEST_CASE("an end for want of a disk is the machine's failure, any other the node's") {
  const run::FinishedRun own = run_that_ends(stepped::EndCause::kOwn);
  INFO(told_by(own));
  CHECK(own.report.exit_code == 4);
  for (const stepped::EndCause cause : {stepped::EndCause::kDisk, stepped::EndCause::kNoSpace}) {
    const run::FinishedRun done = run_that_ends(cause);
    INFO(told_by(done));
    CHECK(done.report.exit_code == 69);
    CHECK(done.report.cause == "the disk of n2: made up");
  }
}

TEST_CASE("a failed write excuses the answer that ends the node, and nothing else") {
  run::PlanFile plan = bare_plan();
  plan.faults.faults = {fault("disk", "write-error", NodeId{2})};
  Puppetry puppetry;
  bool told = false;
  SECTION("it ends in its answer, without a word of it in its trace") {
    puppetry.after = [](NodeId, stepped::Output& out) {
      for (auto& item : out.order) {
        if (item.kind != stepped::Output::Kind::kTrace) continue;
        auto& event = out.events[item.index];
        if (std::holds_alternative<wire::trace::Synced>(event)) event = wire::trace::Mark{"x", 1};
      }
    };
    plan.test.ignore_traces = true;
    const run::FinishedRun done = run_with(plan, puppetry);
    INFO(told_by(done));
    CHECK(done.report.exit_code != 4);
    CHECK(done.report.exit_code != 3);
    CHECK(done.report.faults.at(0).effective);
    CHECK(done.report.faults.at(0).evidence == "a write of n2 failed");
    // It starts again when the disk is replaced, and not at the end of the torture.
    REQUIRE(done.report.outages.size() >= 1);
    const auto outage = std::find_if(done.report.outages.begin(), done.report.outages.end(),
                                     [](const auto& o) { return o.cause == "ended by itself"; });
    REQUIRE(outage != done.report.outages.end());
    CHECK(outage->to - outage->from < to_ns(seconds(1)));
  }
  SECTION("it dies of it without an answer") {
    puppetry.before = [&](NodeId, const stepped::Clock&,
                          const stepped::Event& event) -> Result<void> {
      told = told || std::holds_alternative<stepped::WriteFailed>(event);
      if (std::holds_alternative<stepped::WriteFailed>(event)) {
        return Error{ErrorCode::kIo, true, "made up: SIGSEGV"};
      }
      return {};
    };
    const run::FinishedRun done = run_with(plan, puppetry);
    INFO(told_by(done));
    CHECK(told);
    CHECK(done.report.exit_code == 4);
    CHECK(told_by(done).find("made up: SIGSEGV") != std::string::npos);
  }
}

TEST_CASE("what a node wrote and did not tell is found, also when it dies within the step") {
  run::PlanFile plan = bare_plan();
  faults::FaultSpec kill = fault("kill", "", NodeId{2});
  kill.target = faults::Target::kTrigger;
  kill.nodes.clear();
  kill.trigger = {faults::TriggerEvent::kAppend, NodeId{2}, 1, 0};
  plan.faults.faults = {kill};
  Puppetry puppetry;
  bool lied = false;
  bool lies = false;
  puppetry.files = [&](NodeId, DiskImage& found) -> Result<void> {
    if (lies && !std::exchange(lied, true)) found["hidden"] = "bytes";
    return {};
  };
  SECTION("a node that lies") {
    lies = true;
  }
  SECTION("a node that does not") {}
  const run::FinishedRun done = run_with(plan, puppetry);
  INFO(told_by(done));
  REQUIRE(done.executed.faults.faults.size() == 1);
  CHECK(lied == lies);
  CHECK((told_by(done).find("hidden was never created") != std::string::npos) == lies);
  CHECK((done.report.exit_code == 1) == lies);
}

TEST_CASE("an assertion that fails in a node ends that node, and the run tells of it each time") {
  Puppetry puppetry;
  int steps = 0;
  puppetry.instead = [&](NodeId node, const stepped::Event& e) -> std::optional<stepped::Event> {
    if (node != NodeId{2} || !std::holds_alternative<stepped::Message>(e)) return std::nullopt;
    if (++steps != 100) return std::nullopt;
    return stepped::Timer{};  // before its time
  };
  const run::FinishedRun done = run_with(bare_plan(), puppetry);
  INFO(told_by(done));
  CHECK(done.report.exit_code == 4);
  CHECK(told_by(done).find("n2 stopped: ") != std::string::npos);
  CHECK(told_by(done).find("a timer fed before its deadline") != std::string::npos);
  steps = 0;
  CHECK(told_by(run_with(bare_plan(), puppetry)) == told_by(done));
}

TEST_CASE("a node that names numbers which are not its own has crashed") {
  Puppetry puppetry;
  std::string expected;
  SECTION("a connection of nobody") {
    puppetry.after = [](NodeId, stepped::Output& out) {
      for (stepped::Reply& reply : out.replies) reply.connection = ClientId{999};
    };
    expected = "answered on a connection that it does not have";
  }
  SECTION("a connection to another node") {
    puppetry.after = [](NodeId, stepped::Output& out) {
      for (stepped::Reply& reply : out.replies) reply.connection.value ^= 1;
    };
    expected = "answered on a connection that it does not have";
  }
  SECTION("a write out of turn") {
    puppetry.after = [](NodeId, stepped::Output& out) {
      for (stepped::Write& write : out.writes) write.id.value += write.id.value > 5 ? 1 : 0;
    };
    expected = "numbered a write 7 after 5";
  }
  const run::FinishedRun done = run_with(bare_plan(), puppetry);
  INFO(told_by(done));
  CHECK(done.report.exit_code == 4);
  CHECK(told_by(done).find(expected) != std::string::npos);
}

namespace {

/// What is seen of a node's disk from outside: how long each sync took, and of what.
struct SyncWatch {
  struct Node {
    LogPosition last;
    Term term = 0;
    Instant now{};
    std::map<std::uint64_t, Instant> unsynced;  // writes that need no sync
    std::optional<Instant> begun;
    LogPosition begun_last;
    Term begun_term = 0;
    std::uint64_t outstanding = 0;  // the last write
    std::uint64_t syncing = 0;
  };
  using Key = std::tuple<std::uint32_t, Term, Index>;
  std::map<std::uint32_t, Node> nodes;
  std::map<Key, Duration> took;  // the first sync of each kind
  std::set<Key> again;
  std::vector<Duration> waits_of_unsynced;
  Puppetry puppetry;

  SyncWatch() {
    puppetry.before = [this](NodeId id, const stepped::Clock& clock,
                             const stepped::Event& event) -> Result<void> {
      Node& node = nodes[id.value];
      node.now = clock.true_time;
      if (const auto* written = std::get_if<stepped::Written>(&event)) done(id, *written);
      return {};
    };
    puppetry.after = [this](NodeId id, stepped::Output& out) { step(id, out); };
    puppetry.boot = [](Incarnation) -> Result<void> { return {}; };
  }

  void done(NodeId id, const stepped::Written& written) {
    Node& node = nodes[id.value];
    while (!node.unsynced.empty() && node.unsynced.begin()->first <= written.upto.value) {
      waits_of_unsynced.push_back(node.now - node.unsynced.begin()->second);
      node.unsynced.erase(node.unsynced.begin());
    }
    if (!node.begun || written.upto.value < node.syncing) return;
    const Key key{id.value, node.begun_term, node.begun_last.index};
    if (!took.emplace(key, node.now - *node.begun).second) again.insert(key);
    node.begun.reset();
  }

  void step(NodeId id, const stepped::Output& out) {
    Node& node = nodes[id.value];
    bool wrote = false;
    for (const stepped::Output::Item& item : out.order) {
      if (item.kind == stepped::Output::Kind::kWrite) {
        const stepped::Write& write = out.writes[item.index];
        node.outstanding = write.id.value;
        wrote = wrote || write.sync;
        if (!write.sync) node.unsynced.emplace(write.id.value, node.now);
      }
      if (item.kind != stepped::Output::Kind::kTrace) continue;
      const wire::trace::Event& event = out.events[item.index];
      if (const auto* role = std::get_if<wire::trace::RoleChange>(&event)) node.term = role->term;
      if (const auto* boot = std::get_if<wire::trace::Boot>(&event)) {
        node = Node{};
        node.term = boot->term;
        node.last = boot->last;
      }
      if (const auto* a = std::get_if<wire::trace::Appended>(&event)) {
        node.last.index = a->first + a->entries.size() - 1;
      }
    }
    if (node.begun || !wrote) return;  // a sync that begins when another ends is left out
    node.begun = node.now;
    node.begun_last = node.last;
    node.begun_term = node.term;
    node.syncing = node.outstanding;
  }
};

}  // namespace

TEST_CASE("a request that is under way when its client gives up comes all the same") {
  run::PlanFile plan = bare_plan();
  plan.test.follow_one_in = 1;
  int overtaken = 0;
  int twice = 0;
  // Where the slow node leads, clients wait for it.
  for (const NodeId node : {NodeId{1}, NodeId{2}, NodeId{3}}) {
    faults::FaultSpec slow = fault("packet", "delay", node);
    slow.params = {{"delay_ms", 900}, {"jitter_ms", 0}};
    plan.faults.faults = {slow};
    std::map<SessionId, std::uint64_t> highest;
    std::set<std::pair<ClientId, std::uint64_t>> requests;
    Puppetry puppetry;
    puppetry.before = [&](NodeId, const stepped::Clock&, const stepped::Event& event) {
      const auto* request = std::get_if<stepped::Request>(&event);
      if (request == nullptr || request->request.command.seq == 0) return Result<void>();
      const wire::Command& command = request->request.command;
      std::uint64_t& known = highest[command.session];
      if (command.seq < known) ++overtaken;
      known = std::max(known, command.seq);
      if (!requests.emplace(request->connection, request->request.request).second) ++twice;
      return Result<void>();
    };
    const run::FinishedRun done = run_with(plan, puppetry);
    INFO(told_by(done));
    CHECK(done.report.exit_code == 0);
  }
  CHECK(overtaken > 0);
  CHECK(twice == 0);  // a connection brings nothing twice
}

TEST_CASE("how long a sync takes follows from what it makes durable, not from what was before") {
  // The second run has a write less at its beginning, and no death of n3.
  run::PlanFile plan = bare_plan();
  plan.faults.faults = {fault("kill", "", NodeId{3})};
  SyncWatch first;
  const run::FinishedRun done = run_with(plan, first.puppetry);
  REQUIRE(done.executed.ops);
  run::PlanFile less = done.executed;
  less.faults.faults.clear();
  const auto write = std::find_if(less.ops->begin(), less.ops->end(),
                                  [](const auto& call) { return call.call.f == Func::kWrite; });
  REQUIRE(write != less.ops->end());
  less.ops->erase(write);
  SyncWatch second;
  static_cast<void>(run_with(less, second.puppetry));
  std::size_t common = 0;
  std::size_t equal = 0;
  for (const auto& [key, took] : first.took) {
    const auto other = second.took.find(key);
    if (other == second.took.end() || first.again.contains(key) || second.again.contains(key)) {
      continue;
    }
    ++common;
    equal += other->second == took ? 1 : 0;
  }
  INFO(equal << " of " << common);
  CHECK(common > 100);
  CHECK(equal * 10 > common * 8);
}

TEST_CASE("a write that needs no sync is done as soon as those before it, on any disk") {
  run::PlanFile plan = bare_plan();
  plan.test.bugs = {"ack-before-fsync"};
  faults::FaultSpec slow = fault("disk", "slow", NodeId{1});
  slow.params["sync_ms"] = 500;
  slow.target = faults::Target::kAll;
  slow.nodes.clear();
  plan.faults.faults = {slow};
  SyncWatch watch;
  static_cast<void>(run_with(plan, watch.puppetry));
  const auto at_once =
      std::count(watch.waits_of_unsynced.begin(), watch.waits_of_unsynced.end(), Duration{0});
  INFO(at_once << " of " << watch.waits_of_unsynced.size());
  CHECK(watch.waits_of_unsynced.size() > 100);
  CHECK(static_cast<std::size_t>(at_once) * 10 > watch.waits_of_unsynced.size() * 9);
}
