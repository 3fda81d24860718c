#include <unistd.h>

#include <catch2/catch.hpp>
#include <string>
#include <utility>
#include <vector>

#include "nodes/host/options.hpp"

namespace ww::host {

namespace {

CommandLine parse(std::vector<std::string> arguments) {
  std::vector<const char*> argv = {"whitewater-node"};
  for (const std::string& argument : arguments) argv.push_back(argument.c_str());
  return parse_command_line(static_cast<int>(argv.size()), argv.data());
}

std::vector<std::string> three_nodes() {
  return {"--first-start",
          "--id",
          "n2",
          "--nodes",
          "n3,n1,n2",
          "--data",
          "/tmp/x",
          "--client-listen",
          "127.0.0.1:7002",
          "--listen",
          "127.0.0.1:7001",
          "--peer",
          "n1=127.0.0.2:7001",
          "--peer",
          "n3=127.0.0.3:7001"};
}

std::vector<std::string> with(std::vector<std::string> base, const std::vector<std::string>& more) {
  base.insert(base.end(), more.begin(), more.end());
  return base;
}

}  // namespace

TEST_CASE("a whole command line becomes options") {
  const CommandLine line = parse(with(three_nodes(), {"--control",
                                                      "127.0.0.250:7000",
                                                      "--trace-fd",
                                                      "2",
                                                      "--incarnation",
                                                      "5",
                                                      "--seed",
                                                      "99",
                                                      "--origin-ns",
                                                      "123456",
                                                      "--parent-pid",
                                                      "77",
                                                      "--election-timeout",
                                                      "1s",
                                                      "--heartbeat",
                                                      "100ms",
                                                      "--segment-bytes",
                                                      "65536",
                                                      "--bug",
                                                      "no-dedupe",
                                                      "--bug",
                                                      "local-read"}));
  INFO(line.text);
  REQUIRE(line.options);
  const Options& options = *line.options;
  CHECK(options.config.self == NodeId{2});
  CHECK(options.config.voters == std::vector<NodeId>{NodeId{1}, NodeId{2}, NodeId{3}});
  CHECK(options.config.incarnation == 5);
  CHECK(options.config.seed == 99);
  CHECK(options.config.election_timeout == seconds(1));
  CHECK(options.config.heartbeat_interval == milliseconds(100));
  CHECK(options.config.bugs.is_on(bugs::Bug::kNoDedupe));
  CHECK(options.config.bugs.is_on(bugs::Bug::kLocalRead));
  CHECK_FALSE(options.config.bugs.is_on(bugs::Bug::kVoteRamOnly));
  CHECK(options.data == "/tmp/x");
  CHECK(options.listen == net::Address{"127.0.0.1", 7001});
  CHECK(options.client_listen == net::Address{"127.0.0.1", 7002});
  CHECK(options.peers.at(NodeId{3}) == net::Address{"127.0.0.3", 7001});
  CHECK(options.control == net::Address{"127.0.0.250", 7000});
  CHECK(options.trace_fd == 2);
  CHECK(options.origin_ns == 123456);
  CHECK(options.parent_pid == 77);
  CHECK(options.segment_bytes == 65536);
}

TEST_CASE("a cluster of one needs no more than its name, directory and port") {
  const CommandLine line =
      parse({"--id", "n1", "--data", "d", "--client-listen", "127.0.0.1:7002"});
  REQUIRE(line.options);
  CHECK(line.options->config.voters == std::vector<NodeId>{NodeId{1}});
  CHECK_FALSE(line.options->listen);
  CHECK_FALSE(line.options->control);
  CHECK(line.options->trace_fd == -1);
}

TEST_CASE("a node with peers says how often it was started, but for the first time") {
  std::vector<std::string> again = three_nodes();
  again.erase(again.begin());
  CHECK_THAT(parse(again).text, Catch::Contains("--incarnation: needed"));
  CHECK(parse(with(again, {"--incarnation", "3"})).options);
}

TEST_CASE("a live node gathers and pipelines unless it is told not to") {
  const CommandLine usual = parse(three_nodes());
  REQUIRE(usual.options);
  CHECK(usual.options->group_commit);
  CHECK(usual.options->config.gather);
  CHECK(usual.options->config.limits == raft::Limits{});
  CHECK(usual.options->fsync_floor == Duration{});
  const CommandLine plain = parse(
      with(three_nodes(), {"--batching", "off", "--pipelining", "off", "--fsync-floor", "1500us"}));
  REQUIRE(plain.options);
  CHECK_FALSE(plain.options->group_commit);
  CHECK_FALSE(plain.options->config.gather);
  CHECK(plain.options->config.limits.max_append_entries == 1);
  CHECK(plain.options->config.limits.max_in_flight_appends == 1);
  CHECK(plain.options->fsync_floor == microseconds(1500));
}

TEST_CASE("reads take a round and only the leader serves them unless it is told otherwise") {
  const CommandLine usual = parse(three_nodes());
  REQUIRE(usual.options);
  CHECK_FALSE(usual.options->config.leases);
  CHECK_FALSE(usual.options->config.follower_reads);
  const std::vector<std::string> asked = {"--reads",          "lease", "--lease-drift", "50",
                                          "--follower-reads", "on"};
  const CommandLine leases = parse(with(three_nodes(), asked));
  REQUIRE(leases.options);
  CHECK(leases.options->config.leases);
  CHECK(leases.options->config.lease_drift_percent == 50);
  CHECK(leases.options->config.lease_length() == milliseconds(200));
  CHECK(leases.options->config.follower_reads);
}

TEST_CASE("a node that is to join is not among the first voters, and a voter may know spares") {
  const CommandLine joins =
      parse({"--first-start", "--id", "n3", "--nodes", "n1,n2", "--data", "d", "--listen",
             "127.0.0.1:7001", "--client-listen", "127.0.0.1:7002", "--peer", "n1=127.0.0.2:1",
             "--peer", "n2=127.0.0.2:2"});
  INFO(joins.text);
  REQUIRE(joins.options);
  CHECK(joins.options->config.voters == std::vector<NodeId>{NodeId{1}, NodeId{2}});
  const CommandLine voter = parse(with(three_nodes(), {"--peer", "n4=127.0.0.2:7001"}));
  INFO(voter.text);
  REQUIRE(voter.options);
  CHECK(voter.options->config.voters.size() == 3);
  CHECK(voter.options->peers.contains(NodeId{4}));
}

TEST_CASE("wrong flags exit 64 and say which one is wrong") {
  struct Row {
    std::vector<std::string> arguments;
    std::string complaint;
  };
  const std::vector<std::string> one = {"--id",          "n1", "--data", "d", "--client-listen",
                                        "127.0.0.1:7002"};
  const std::vector<Row> rows = {
      {{}, "required"},
      {with(one, {"--frobnicate"}), "frobnicate"},
      {with(one, {"--nodes", "n2,n3"}), "--peer: no address for n2"},
      {with(one, {"--nodes", "n1,n1"}), "twice"},
      {with(one, {"--nodes", "n1,n2"}), "--peer: no address for n2"},
      {with(one, {"--nodes", "n1,n2", "--peer", "n2=127.0.0.2:1"}), "--listen"},
      {with(one, {"--nodes", "n1,x2"}), "'x2' is not a node"},
      {with(one, {"--peer", "n1=127.0.0.2:7001"}), "n1 is this node itself"},
      {with(one, {"--nodes", "n1,n2", "--peer", "n2"}), "names no address"},
      {with(one, {"--listen", "nowhere"}), "--listen: 'nowhere'"},
      {with(one, {"--control", "127.0.0.1"}), "--control"},
      {with(one, {"--election-timeout", "300"}), "--election-timeout: '300'"},
      {with(one, {"--election-timeout", "0ms"}), "--election-timeout: '0ms'"},
      {with(one, {"--heartbeat", "1s"}), "--heartbeat"},
      {with(one, {"--bug", "no-dedup"}), "no-dedupe"},
      {with(one, {"--trace-fd", "999"}), "999 is not an open descriptor"},
      {with(one, {"--incarnation", "0"}), "incarnation"},
      {with(one, {"--segment-bytes", "10"}), "segment-bytes"},
      {with(one, {"--batching", "no"}), "batching"},
      {with(one, {"--reads", "log"}), "reads"},
      {with(one, {"--lease-drift", "901"}), "lease-drift"},
      {with(one, {"--fsync-floor", "1"}), "--fsync-floor: '1'"},
  };
  for (const Row& row : rows) {
    const CommandLine line = parse(row.arguments);
    INFO(row.complaint << " expected in: " << line.text);
    CHECK_FALSE(line.options);
    CHECK(line.status == kExitUsage);
    CHECK(line.text.find(row.complaint) != std::string::npos);
  }
}

TEST_CASE("a node of a deterministic world has its socket and no address") {
  const std::vector<std::string> stepped = {"--id",   "n2", "--nodes",   "n1,n2,n3",
                                            "--data", "d",  "--stepped", "0"};
  const CommandLine line = parse(stepped);
  INFO(line.text);
  REQUIRE(line.options);
  CHECK(line.options->stepped_fd == 0);
  CHECK(line.options->config.gather);
  const CommandLine slow = parse(with(stepped, {"--batching", "off", "--pipelining", "off"}));
  REQUIRE(slow.options);
  CHECK_FALSE(slow.options->config.gather);
  CHECK(slow.options->config.limits.max_append_entries == 1);
  CHECK(slow.options->config.limits.max_in_flight_appends == 1);
  CHECK(line.options->peers.empty());
  for (const auto& [flag, value] :
       std::vector<std::pair<std::string, std::string>>{{"--client-listen", "127.0.0.1:7002"},
                                                        {"--listen", "127.0.0.1:7001"},
                                                        {"--peer", "n1=127.0.0.2:7001"},
                                                        {"--control", "127.0.0.250:7000"},
                                                        {"--trace-fd", "2"},
                                                        {"--origin-ns", "1"},
                                                        {"--parent-pid", "1"},
                                                        {"--journal", "d"},
                                                        {"--fsync-floor", "1ms"}}) {
    const CommandLine refused = parse(with(stepped, {flag, value}));
    CHECK_FALSE(refused.options);
    CHECK(refused.text == flag + ": has no meaning with --stepped");
  }
  CHECK(parse({"--id", "n1", "--data", "d", "--stepped", "999"}).text ==
        "--stepped: 999 is not an open descriptor");
  CHECK(parse({"--id", "n1", "--data", "d"}).text == "--client-listen: needed, or --stepped");
}

TEST_CASE("durations have the units that the controller writes") {
  const auto timeout = [](const std::string& text) {
    const CommandLine line =
        parse({"--id", "n1", "--data", "d", "--client-listen", "127.0.0.1:7002", "--heartbeat",
               "500us", "--election-timeout", text});
    INFO(line.text);
    return line.options ? line.options->config.election_timeout : Duration{};
  };
  CHECK(timeout("1500000ns") == microseconds(1500));
  CHECK(timeout("2500us") == microseconds(2500));
  CHECK(timeout("250ms") == milliseconds(250));
  CHECK(timeout("2s") == seconds(2));
  CHECK(timeout("1m") == seconds(60));
  CHECK(timeout("1h") == seconds(3600));
  CHECK(timeout("2h") == Duration{});
}

TEST_CASE("help is no error") {
  const CommandLine line = parse({"--help"});
  CHECK_FALSE(line.options);
  CHECK(line.status == 0);
  CHECK_THAT(line.text, Catch::Contains("--client-listen") && Catch::Contains("Example"));
}

}  // namespace ww::host
