#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/real_time.hpp"
#include "nodes/host/options.hpp"
#include "tests/unit/host_process.hpp"
#include "tests/unit/host_support.hpp"

namespace ww::host_test {

namespace {

namespace control = wire::control;

constexpr std::uint16_t kControlPort = 7000;
constexpr std::uint16_t kPeerPort = 7001;
constexpr std::uint16_t kClientPort = 7002;

/// A cluster whose nodes reach each other directly, and the test's end of their control
/// connections.
class Cluster {
 public:
  explicit Cluster(std::uint32_t size)
      : size_(size),
        prefix_(free_prefix()),
        listener_(listen_on(prefix_ + ".250", kControlPort)),
        nodes_(size + 1) {}

  struct Node {
    std::unique_ptr<Process> process;
    std::optional<Connection> control;
    control::Hello hello;
    Incarnation incarnation = 0;
  };

  [[nodiscard]] std::string host(std::uint32_t n) const {
    return prefix_ + "." + std::to_string(n);
  }
  [[nodiscard]] std::string data(std::uint32_t n) const {
    return dir_.path() + "/n" + std::to_string(n);
  }
  [[nodiscard]] std::string stderr_of(std::uint32_t n) const {
    return read_file(data(n) + ".stderr");
  }
  [[nodiscard]] std::string trace_file(std::uint32_t n) const { return data(n) + ".trace"; }
  Node& node(std::uint32_t n) { return nodes_.at(n); }

  [[nodiscard]] std::vector<std::string> arguments(std::uint32_t n, Incarnation incarnation,
                                                   const std::string& control_at) const {
    std::string all;
    std::vector<std::string> words = {"--id",
                                      "n" + std::to_string(n),
                                      "--data",
                                      data(n),
                                      "--client-listen",
                                      host(n) + ":" + std::to_string(kClientPort),
                                      "--listen",
                                      host(n) + ":" + std::to_string(kPeerPort),
                                      "--incarnation",
                                      std::to_string(incarnation),
                                      "--seed",
                                      "11"};
    for (std::uint32_t peer = 1; peer <= size_; ++peer) {
      all += (peer > 1 ? ",n" : "n") + std::to_string(peer);
      if (peer == n) continue;
      words.emplace_back("--peer");
      words.push_back("n" + std::to_string(peer) + "=" + host(peer) + ":" +
                      std::to_string(kPeerPort));
    }
    words.insert(words.end(), {"--nodes", all, "--control", control_at});
    return words;
  }

  /// Starts the process; whether it serves is another question.
  Process& spawn(std::uint32_t n, std::uint64_t file_size_limit = 0) {
    Node& node = nodes_.at(n);
    ++node.incarnation;
    node.control.reset();
    std::vector<std::string> words =
        arguments(n, node.incarnation, prefix_ + ".250:" + std::to_string(kControlPort));
    // The limit is to be met in the middle of the log; it would hit a trace in a file too.
    if (file_size_limit != 0) words.insert(words.end(), {"--preallocate", "off"});
    node.process = std::make_unique<Process>(
        words, ProcessOptions{.stderr_file = data(n) + ".stderr",
                              .trace_file = file_size_limit == 0 ? trace_file(n) : "",
                              .file_size_limit = file_size_limit});
    return *node.process;
  }
  /// Starts the process and waits until it serves.
  void start(std::uint32_t n, std::uint64_t file_size_limit = 0) {
    spawn(n, file_size_limit);
    Node& node = nodes_.at(n);
    node.control.emplace(Connection::accepted(listener_));
    node.hello = hear<control::Hello>(*node.control);
    CHECK(node.hello.node == NodeId{n});
    CHECK(node.hello.incarnation == node.incarnation);
    CHECK(node.hello.pid == node.process->pid());
  }
  Client client(std::uint32_t n) {
    return {Connection::to(host(n), kClientPort), NodeId{n}, ++last_client_};
  }

 private:
  const TempDir dir_;
  const std::uint32_t size_;
  const std::string prefix_;
  Fd listener_;
  std::vector<Node> nodes_;
  std::uint32_t last_client_ = 0;
};

/// Asks each node in turn until one of `among` answers ok.
wire::ClientReply ask_any(Cluster& cluster, const std::vector<std::uint32_t>& among,
                          const wire::Command& command, std::uint32_t& answered_by) {
  std::vector<Client> clients;
  for (const std::uint32_t n : among) clients.push_back(cluster.client(n));
  const RealClock clock;
  while (clock.now() < Instant{} + kPatience) {
    for (std::size_t i = 0; i < among.size(); ++i) {
      const auto reply = clients[i].attempt(command);
      REQUIRE(reply.has_value());
      if (reply->outcome != wire::Outcome::kOk) continue;
      answered_by = among[i];
      return *reply;
    }
  }
  FAIL("no node answered ok");
  return {};
}

std::vector<wire::trace::Record> read_trace(const std::string& file) {
  const std::string bytes = read_file(file);
  wire::FrameBuffer frames;
  frames.feed(bytes);
  std::vector<wire::trace::Record> records;
  while (true) {
    auto frame = frames.next();
    REQUIRE(frame.ok());
    if (!frame->has_value()) break;
    auto record = wire::trace::decode(**frame);
    REQUIRE(record.ok());
    records.push_back(std::move(*record));
  }
  CHECK(frames.pending() == 0);
  return records;
}

}  // namespace

TEST_CASE("a node alone serves, survives kill -9, and ends when it is told to") {
  Cluster cluster(1);
  cluster.start(1);
  {
    Client client = cluster.client(1);
    wire::Command open;
    open.kind = wire::CommandKind::kOpenSession;
    const auto opened = client.insist(open);
    REQUIRE(opened);
    CHECK(opened->session.value == opened->at.index);
    wire::Command write = write_command("k", "survives");
    write.session = opened->session;
    write.seq = 1;
    const auto written = client.insist(write);
    REQUIRE(written);
    CHECK(written->at.index > opened->at.index);
    CHECK(client.insist(read_command("k"))->value == "survives");

    cluster.node(1).process->kill();
    CHECK(client.connection().is_closed_by_peer());
  }
  const auto before = read_trace(cluster.trace_file(1));
  REQUIRE(before.size() > 5);

  cluster.start(1);
  Client client = cluster.client(1);
  CHECK(client.insist(read_command("k"))->value == "survives");
  say(*cluster.node(1).control, control::Shutdown{1});
  CHECK(cluster.node(1).process->wait() == host::kExitShutdown);
}

TEST_CASE("a trace is dense, and a write is synced on disk before the replica learns of it") {
  Cluster cluster(1);
  cluster.start(1);
  {
    Client client = cluster.client(1);
    REQUIRE(client.insist(write_command("k", "needle")));
  }
  cluster.node(1).process->kill();
  const auto records = read_trace(cluster.trace_file(1));
  // The command's bytes are written, then synced, then the replica is told.
  std::size_t appended = 0;
  std::size_t written = 0;
  std::size_t synced = 0;
  std::size_t learnt = 0;
  Index last = 0;
  for (std::size_t i = 0; i < records.size(); ++i) {
    REQUIRE(records[i].sequence == i + 1);
    if (i > 0) CHECK(records[i].time >= records[i - 1].time);
    const wire::trace::Event& event = records[i].event;
    if (const auto* append = std::get_if<wire::trace::Appended>(&event)) {
      last = append->first + append->entries.size() - 1;
      appended = i;
    } else if (const auto* store = std::get_if<wire::trace::Store>(&event)) {
      const bool has_value = store->data.find("needle") != std::string::npos;
      if (store->op == wire::trace::StoreOp::kWrite && has_value) written = i;
      if (store->op == wire::trace::StoreOp::kSyncFile && written > 0 && synced == 0) synced = i;
    } else if (const auto* told = std::get_if<wire::trace::Synced>(&event)) {
      if (told->ok && last == 2 && told->upto.index == 2 && learnt == 0) learnt = i;
    }
  }
  CHECK(last == 2);  // the no-op of the leader's term, and the command
  CHECK(appended < written);
  CHECK(written < synced);
  CHECK(synced < learnt);
}

TEST_CASE("the controller sets a node's clock, and mono does not jump") {
  Cluster cluster(1);
  const std::int64_t origin = monotonic_ns();
  cluster.start(1);
  Connection& link = *cluster.node(1).control;
  say(link, control::SetClock{.request = 1, .wall_offset = seconds(-5), .rate_ppm = 0});
  const auto bumped = hear<control::ClockState>(link);
  CHECK(bumped.request == 1);
  CHECK(bumped.wall == bumped.mono - seconds(5));
  CHECK(bumped.mono == bumped.true_time);
  CHECK(bumped.true_time <= instant_at(monotonic_ns() - origin));

  say(link, control::SetClock{.request = 2, .wall_offset = {}, .rate_ppm = 1'000'000});
  const auto fast = hear<control::ClockState>(link);
  CHECK(fast.mono == fast.true_time);
  CHECK(fast.mono >= bumped.mono);
  say(link, control::SetClock{.request = 3, .wall_offset = {}, .rate_ppm = 0});
  const auto after = hear<control::ClockState>(link);
  CHECK(after.mono - fast.mono == 2 * (after.true_time - fast.true_time));
  CHECK(after.rate_ppm == 0);
}

TEST_CASE("three nodes elect, replicate, lose their leader, and take it back") {
  Cluster cluster(3);
  for (std::uint32_t n = 1; n <= 3; ++n) cluster.start(n);
  std::uint32_t leader = 0;
  const auto first = ask_any(cluster, {1, 2, 3}, write_command("k", "one"), leader);
  cluster.node(leader).process->kill();

  std::vector<std::uint32_t> others;
  for (std::uint32_t n = 1; n <= 3; ++n) {
    if (n != leader) others.push_back(n);
  }
  std::uint32_t next = 0;
  CHECK(ask_any(cluster, others, read_command("k"), next).value == "one");
  const auto second = ask_any(cluster, others, write_command("k", "two"), next);
  CHECK(second.at > first.at);
  CHECK(second.at.term > first.at.term);

  // With the next leader gone, the restarted node must have caught up to serve this read.
  cluster.start(leader);
  cluster.node(next).process->kill();
  std::vector<std::uint32_t> last;
  for (std::uint32_t n = 1; n <= 3; ++n) {
    if (n != next) last.push_back(n);
  }
  std::uint32_t third = 0;
  CHECK(ask_any(cluster, last, read_command("k"), third).value == "two");
}

TEST_CASE("garbage closes the connection it came on, and nothing else") {
  Cluster cluster(1);
  cluster.start(1);
  Client good = cluster.client(1);
  REQUIRE(good.insist(write_command("k", "v")));

  std::string garbage;
  wire::append_frame(garbage, "this is no message");
  Connection client = Connection::to(cluster.host(1), kClientPort);
  client.send(garbage);
  CHECK(client.is_closed_by_peer());
  Connection peer = Connection::to(cluster.host(1), kPeerPort);
  peer.send(garbage);
  CHECK(peer.is_closed_by_peer());
  Connection endless = Connection::to(cluster.host(1), kClientPort);
  endless.send("\xff\xff\xff\xff");
  CHECK(endless.is_closed_by_peer());

  CHECK(good.insist(read_command("k"))->value == "v");
  const std::string complaints = cluster.stderr_of(1);
  CHECK_THAT(complaints, Catch::StartsWith("whitewater-node n1: ") &&
                             Catch::Contains("client's connection is closed") &&
                             Catch::Contains("peer's connection is closed"));
}

TEST_CASE("a key over the limit is refused for sure, and a repeated request number is dropped") {
  Cluster cluster(1);
  cluster.start(1);
  Client client = cluster.client(1);
  REQUIRE(client.insist(write_command("k", "v")));
  const auto large = client.attempt(write_command(std::string(wire::kMaxKey + 1, 'k'), "v"));
  REQUIRE(large);
  CHECK(large->outcome == wire::Outcome::kFailed);
  CHECK(large->refusal == wire::Refusal::kTooLarge);

  const wire::ClientRequest copy{.request = 1, .read_mode = {}, .command = read_command("k")};
  std::string payload;
  wire::encode_request(payload, ClientId{1}, NodeId{1}, copy);
  std::string frame;
  wire::append_frame(frame, payload);
  client.connection().send(frame);
  // The next answer is to the next request: the copy got none.
  CHECK(client.insist(read_command("k"))->value == "v");
}

TEST_CASE("a node whose controller goes away ends at once") {
  Cluster cluster(1);
  cluster.start(1);
  cluster.node(1).control.reset();
  CHECK(cluster.node(1).process->wait() == host::kExitEnvironment);
  CHECK_THAT(cluster.stderr_of(1), Catch::Contains("control connection"));
}

TEST_CASE("a port that is taken exits 69, names the port, and leaves the directory alone") {
  Cluster cluster(1);
  const Fd taken = listen_on(cluster.host(1), kClientPort);
  CHECK(cluster.spawn(1).wait() == host::kExitEnvironment);
  CHECK_THAT(cluster.stderr_of(1), Catch::Contains(cluster.host(1) + ":7002"));
  CHECK_FALSE(std::filesystem::exists(cluster.data(1)));
}

TEST_CASE("a data directory that cannot be used exits 69 and is named") {
  Cluster cluster(1);
  std::ofstream(cluster.data(1)) << "a file";
  CHECK(cluster.spawn(1).wait() == host::kExitEnvironment);
  CHECK_THAT(cluster.stderr_of(1), Catch::Contains(cluster.data(1)));
}

TEST_CASE("a damaged log exits 65 and says where") {
  Cluster cluster(1);
  cluster.start(1);
  {
    Client client = cluster.client(1);
    REQUIRE(client.insist(write_command("k", "first")));
    REQUIRE(client.insist(write_command("k", "second")));
  }
  cluster.node(1).process->kill();
  std::vector<std::string> segments;
  for (const auto& entry : std::filesystem::directory_iterator(cluster.data(1))) {
    segments.push_back(entry.path().string());
  }
  REQUIRE(segments.size() == 1);
  // The first record lies below the watermarks of the later ones.
  std::string bytes = read_file(segments[0]);
  REQUIRE(bytes.size() > 60);
  bytes[40] = static_cast<char>(bytes[40] ^ 1);
  std::ofstream(segments[0], std::ios::binary) << bytes;
  CHECK(cluster.spawn(1).wait() == host::kExitDamagedLog);
  CHECK_THAT(cluster.stderr_of(1),
             Catch::Contains(std::filesystem::path(segments[0]).filename().string()));
}

TEST_CASE("a full disk halts the node with 74 and loses nothing that was acknowledged") {
  Cluster cluster(1);
  cluster.start(1, 16U << 10);
  std::string acknowledged;
  {
    Client client = cluster.client(1);
    for (int i = 0;; ++i) {
      REQUIRE(i < 1000);
      const std::string value = std::to_string(i) + std::string(1000, 'x');
      std::optional<wire::ClientReply> reply;
      while (true) {
        reply = client.attempt(write_command("k", value));
        if (!reply || reply->outcome != wire::Outcome::kFailed) break;
        if (reply->refusal == wire::Refusal::kStopped) break;
      }
      if (!reply || reply->outcome != wire::Outcome::kOk) break;
      acknowledged = value;
    }
  }
  CHECK(cluster.node(1).process->wait() == host::kExitDisk);
  CHECK_THAT(cluster.stderr_of(1), Catch::Contains("halted") && Catch::Contains("File too large"));
  REQUIRE_FALSE(acknowledged.empty());

  cluster.start(1);
  Client client = cluster.client(1);
  // The value whose write failed may be there; what was acknowledged before it cannot be gone.
  const std::string found = client.insist(read_command("k"))->value;
  CHECK(std::stoi(found) >= std::stoi(acknowledged));
}

TEST_CASE("a node dies with its parent, also when that is killed") {
  Cluster cluster(1);
  const Fd listener = listen_on(cluster.host(9), kControlPort);
  const auto arguments =
      cluster.arguments(1, 1, cluster.host(9) + ":" + std::to_string(kControlPort));
  // The orphan becomes our child, so that it can be reaped.
  REQUIRE(::prctl(PR_SET_CHILD_SUBREAPER, 1) == 0);
  const pid_t parent = ::fork();
  REQUIRE(parent >= 0);
  if (parent == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    const Process child(
        arguments,
        {.stderr_file = cluster.data(1) + ".stderr", .trace_file = "", .file_size_limit = 0});
    while (true) ::pause();
  }
  Connection link = Connection::accepted(listener);
  const auto hello = hear<control::Hello>(link);
  CHECK(hello.node == NodeId{1});
  ::kill(parent, SIGKILL);
  ::waitpid(parent, nullptr, 0);
  CHECK(link.is_closed_by_peer());
  int status = 0;
  REQUIRE(::waitpid(static_cast<pid_t>(hello.pid), &status, 0) == hello.pid);
  CHECK(WIFSIGNALED(status));
}

TEST_CASE("a node without a controller serves, and ends well on SIGTERM") {
  const TempDir dir;
  // Not the address of the test before, whose orphan may still be on its way out.
  const std::string address = free_prefix() + ".2";
  Process process(
      {"--id", "n1", "--data", dir.path() + "/data", "--client-listen", address + ":7002"},
      {.stderr_file = dir.path() + "/stderr", .trace_file = "", .file_size_limit = 0});
  Client client(Connection::once_listening(address, kClientPort), NodeId{1}, 1);
  REQUIRE(client.insist(write_command("k", "v")));
  process.signal(SIGTERM);
  CHECK(process.wait() == host::kExitShutdown);
}

}  // namespace ww::host_test
