#include "nodes/host/options.hpp"

#include <fcntl.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>
#include <utility>
#include <vector>

#include "nodes/bugs/bugs.hpp"
#include "nodes/host/tripwire.hpp"
#include "nodes/raft/replica.hpp"

namespace ww::host {

namespace {

Error usage(std::string message) {
  return {ErrorCode::kUsage, true, std::move(message)};
}

/// A node on its own keeps its log short.
constexpr std::uint64_t kSnapshotEntries = 10'000;

/// The flags as they were written.
struct Raw {
  CLI::Option* incarnation = nullptr;
  std::string id;
  std::vector<std::string> nodes;
  std::vector<std::string> peers;
  std::vector<std::string> bugs;
  std::string listen;
  std::string client_listen;
  std::string control;
  std::string election_timeout = "300ms";
  std::string heartbeat = "50ms";
  std::string snapshot_interval;
  std::string batching = "on";
  std::string pipelining = "on";
  std::string preallocate = "on";
  std::string fsync = "on";
  std::string fsync_floor;
  std::string reads = "index";
  std::string follower_reads = "off";
};

Result<NodeId> parse_node(std::string_view text, const std::string& flag) {
  NodeId node;
  const std::string_view digits = text.substr(std::min<std::size_t>(1, text.size()));
  const char* end = digits.data() + digits.size();
  const auto [stop, ec] = std::from_chars(digits.data(), end, node.value);
  if (!text.starts_with('n') || ec != std::errc{} || stop != end || node == kNobody ||
      node.value >= wire::kFirstClient) {
    return usage(flag + ": '" + std::string(text) + "' is not a node; write n1, n2, ...");
  }
  return node;
}

Result<Duration> parse_duration(std::string_view text, const std::string& flag) {
  struct Unit {
    std::string_view name;
    std::int64_t ns;
  };
  static constexpr std::array<Unit, 6> kUnits = {{{"ns", 1},
                                                  {"us", 1'000},
                                                  {"ms", 1'000'000},
                                                  {"s", 1'000'000'000},
                                                  {"m", 60'000'000'000},
                                                  {"h", 3'600'000'000'000}}};
  constexpr std::int64_t kLongest = 3600LL * 1'000'000'000;
  std::int64_t count = 0;
  const auto [stop, ec] = std::from_chars(text.data(), text.data() + text.size(), count);
  const std::string_view unit = text.substr(static_cast<std::size_t>(stop - text.data()));
  for (const Unit& known : kUnits) {
    if (ec != std::errc{} || unit != known.name) continue;
    if (count <= 0 || count > kLongest / known.ns) break;
    return Duration{count * known.ns};
  }
  return usage(flag + ": '" + std::string(text) +
               "' is not a duration above zero and up to 1h; write 300ms");
}

Result<void> parse_address(const std::string& text, const std::string& flag, net::Address& out) {
  auto address = net::parse_address(text);
  if (!address) return usage(flag + ": " + address.error().message);
  out = std::move(*address);
  return {};
}

Result<void> parse_bugs(const Raw& raw, bugs::Switches& out) {
  for (const std::string& name : raw.bugs) {
    const auto bug = bugs::bug_of(name);
    if (bug) {
      out.turn_on(*bug);
      continue;
    }
    std::string known;
    for (const bugs::BugRow& row : bugs::registry()) {
      known += (known.empty() ? "" : ", ") + std::string(row.name);
    }
    return usage("--bug: there is no '" + name + "'; known: " + known);
  }
  return {};
}

Result<void> parse_cluster(const Raw& raw, raft::Config& config) {
  const auto self = parse_node(raw.id, "--id");
  if (!self) return self.error();
  config.self = *self;
  for (const std::string& name : raw.nodes) {
    const auto node = parse_node(name, "--nodes");
    if (!node) return node.error();
    config.voters.push_back(*node);
  }
  if (config.voters.empty()) config.voters.push_back(config.self);
  if (config.voters.size() > raft::kMaxVoters) {
    return usage("--nodes: at most " + std::to_string(raft::kMaxVoters) + " nodes");
  }
  std::sort(config.voters.begin(), config.voters.end());
  if (std::adjacent_find(config.voters.begin(), config.voters.end()) != config.voters.end()) {
    return usage("--nodes: a node is named twice");
  }
  const auto timeout = parse_duration(raw.election_timeout, "--election-timeout");
  if (!timeout) return timeout.error();
  const auto heartbeat = parse_duration(raw.heartbeat, "--heartbeat");
  if (!heartbeat) return heartbeat.error();
  if (*heartbeat > *timeout / 2) {
    return usage("--heartbeat: must be at most half of --election-timeout");
  }
  config.election_timeout = *timeout;
  config.heartbeat_interval = *heartbeat;
  if (!raw.snapshot_interval.empty()) {
    const auto interval = parse_duration(raw.snapshot_interval, "--snapshot-interval");
    if (!interval) return interval.error();
    config.snapshots.interval = *interval;
  }
  config.leases = raw.reads == "lease";
  config.follower_reads = raw.follower_reads == "on";
  return parse_bugs(raw, config.bugs);
}

Result<void> parse_peers(const Raw& raw, Options& options) {
  for (const std::string& peer : raw.peers) {
    const std::size_t equals = peer.find('=');
    if (equals == std::string::npos) {
      return usage("--peer: '" + peer + "' names no address; write n2=127.0.0.1:7001");
    }
    const auto node = parse_node(std::string_view(peer).substr(0, equals), "--peer");
    if (!node) return node.error();
    if (*node == options.config.self) {
      return usage("--peer: " + name_of(*node) + " is this node itself");
    }
    const auto done = parse_address(peer.substr(equals + 1), "--peer", options.peers[*node]);
    if (!done) return done.error();
  }
  for (const NodeId voter : options.config.voters) {
    if (voter != options.config.self && !options.peers.contains(voter)) {
      return usage("--peer: no address for " + name_of(voter));
    }
  }
  return {};
}

Result<void> require_open(int fd, const std::string& flag) {
  if (fd >= 0 && ::fcntl(fd, F_GETFD) >= 0) return {};
  return usage(flag + ": " + std::to_string(fd) + " is not an open descriptor");
}

/// In a deterministic world everything comes over one socket, time included.
Result<void> require_no_network(const Raw& raw, const Options& options) {
  const std::pair<const char*, bool> flags[] = {
      {"--client-listen", !raw.client_listen.empty()},
      {"--listen", !raw.listen.empty()},
      {"--peer", !raw.peers.empty()},
      {"--control", !raw.control.empty()},
      {"--trace-fd", options.trace_fd >= 0},
      {"--origin-ns", options.origin_ns.has_value()},
      {"--parent-pid", options.parent_pid.has_value()},
      {"--journal", !options.journal.empty()},
      {"--fsync", raw.fsync != "on"},
      {"--fsync-floor", !raw.fsync_floor.empty()},
  };
  for (const auto& [flag, given] : flags) {
    if (given) return usage(std::string(flag) + ": has no meaning with --stepped");
  }
  return require_open(*options.stepped_fd, "--stepped");
}

/// What `whitewater bench` compares.
Result<void> parse_pace(const Raw& raw, Options& options) {
  const bool batching = raw.batching == "on";
  options.group_commit = batching;
  options.config.set_batching(batching);
  options.config.set_pipelining(raw.pipelining == "on");
  options.preallocate = raw.preallocate == "on";
  options.fsync = raw.fsync == "on";
  if (!options.fsync && !raw.fsync_floor.empty()) {
    return usage("--fsync-floor: has no meaning with --fsync off");
  }
  if (raw.fsync_floor.empty()) return {};
  const auto floor = parse_duration(raw.fsync_floor, "--fsync-floor");
  if (!floor) return floor.error();
  options.fsync_floor = *floor;
  return {};
}

Result<void> parse_endpoints(const Raw& raw, Options& options) {
  if (auto done = parse_pace(raw, options); !done) return done;
  if (options.stepped_fd) return require_no_network(raw, options);
  if (auto done = parse_peers(raw, options); !done) return done;
  if (raw.client_listen.empty()) return usage("--client-listen: needed, or --stepped");
  if (raw.listen.empty() && !options.peers.empty()) {
    return usage("--listen: needed when there are other nodes");
  }
  if (!options.peers.empty() && !options.first_start && raw.incarnation->count() == 0) {
    return usage(
        "--incarnation: needed at every start of a node with peers but its first "
        "(--first-start), a higher one each time: its answers, and those to it, outlive it");
  }
  if (!raw.listen.empty()) {
    const auto done = parse_address(raw.listen, "--listen", options.listen.emplace());
    if (!done) return done.error();
  }
  if (!raw.control.empty()) {
    const auto done = parse_address(raw.control, "--control", options.control.emplace());
    if (!done) return done.error();
  }
  if (options.trace_fd >= 0) {
    const auto done = require_open(options.trace_fd, "--trace-fd");
    if (!done) return done.error();
  }
  return parse_address(raw.client_listen, "--client-listen", options.client_listen);
}

void declare(CLI::App& app, Raw& raw, Options& options) {
  app.add_option("--id", raw.id, "this node, such as n1")->required();
  app.add_option("--nodes", raw.nodes, "all voters: n1,n2,n3 [this node alone]")->delimiter(',');
  app.add_option("--data", options.data, "directory of its log; made if missing")->required();
  app.add_flag(
      "--first-start", options.first_start,
      "it has never run: an empty data directory has lost nothing. Without this flag a node "
      "that finds none neither votes nor serves until a leader has covered it");
  app.add_option("--client-listen", raw.client_listen, "ADDRESS:PORT for clients");
  app.add_option("--stepped", options.stepped_fd,
                 "open socket of a deterministic world (docs/stepped.md), instead of addresses");
  app.add_option("--listen", raw.listen, "ADDRESS:PORT for the other nodes");
  app.add_option("--peer", raw.peers, "n2=ADDRESS:PORT, where to reach another node; repeatable");
  app.add_option("--control", raw.control, "ADDRESS:PORT of the controller; the node ends with it");
  app.add_option("--trace-fd", options.trace_fd, "open descriptor that takes the trace [none]")
      ->check(CLI::NonNegativeNumber);
  raw.incarnation =
      app.add_option("--incarnation", options.config.incarnation, "how often it was started [1]");
  raw.incarnation->check(CLI::Range(1, (1 << 20) - 1));
  app.add_option("--seed", options.config.seed, "of the election timeouts [0]");
  app.add_option("--origin-ns", options.origin_ns,
                 "CLOCK_MONOTONIC that counts as instant zero [now]");
  app.add_option("--parent-pid", options.parent_pid, "end when this parent does");
  app.add_option("--election-timeout", raw.election_timeout, "T; drawn from [T, 2T] [300ms]");
  app.add_option("--heartbeat", raw.heartbeat, "interval of a leader's heartbeats [50ms]");
  app.add_option("--segment-bytes", options.segment_bytes, "begins a new log file above [1048576]")
      ->check(CLI::Range(std::uint64_t{4096}, std::uint64_t{1} << 30));
  raft::SnapshotOptions& snapshots = options.config.snapshots;
  app.add_option("--snapshot-entries", snapshots.entries,
                 "takes a snapshot after so many entries; 0: whatever their number [10000]");
  app.add_option("--snapshot-bytes", snapshots.bytes,
                 "takes a snapshot after so many bytes of entries; 0: whatever their size [0]");
  app.add_option("--snapshot-interval", raw.snapshot_interval,
                 "takes a snapshot so long after the last, where there is news [none]");
  app.add_option("--snapshot-trailing", snapshots.trailing,
                 "entries that the log keeps in front of a snapshot [64]");
  app.add_option("--snapshot-piece", snapshots.piece_bytes,
                 "bytes of a snapshot in one message [65536]")
      ->check(CLI::Range(1, 1 << 20));
  app.add_option("--reads", raw.reads,
                 "index: reads that are not logged take a round of heartbeats; lease: none while "
                 "the leader has a lease [index]")
      ->check(CLI::IsMember({"index", "lease"}));
  app.add_option("--lease-drift", options.config.lease_drift_percent,
                 "by so much, in a hundred, no node's clock outruns another's [10]")
      ->check(CLI::Range(std::uint32_t{0}, raft::kMaxLeaseDrift));
  app.add_option("--follower-reads", raw.follower_reads,
                 "on: followers serve such reads too, at an index of their leader's [off]")
      ->check(CLI::IsMember({"on", "off"}));
  app.add_option("--watch-entries", options.config.limits.machine.history_entries,
                 "entries of the log over which a watch of keys can go back [4096]");
  app.add_option("--session-entries", options.config.limits.machine.session_entries,
                 "a client's session expires after so many entries without a command of it; 0: "
                 "never; the same on all nodes [1000000]");
  app.add_option("--journal", options.journal,
                 "directory of the flight recorder; made if missing [none]");
  app.add_option("--journal-segments", options.journaling.segments,
                 "segments of 16 MiB that it keeps [8]")
      ->check(CLI::Range(1, 1'000'000));
  app.add_option("--build", options.journaling.build, "which build this is, for the journal");
  app.add_option("--batching", raw.batching,
                 "off: a log write with its own sync and an append for each command [on]")
      ->check(CLI::IsMember({"on", "off"}));
  app.add_option("--pipelining", raw.pipelining,
                 "off: one append with entries under way to a peer at a time [on]")
      ->check(CLI::IsMember({"on", "off"}));
  app.add_option("--preallocate", raw.preallocate,
                 "off: a log file grows with each write, and a sync records its new size too [on]")
      ->check(CLI::IsMember({"on", "off"}));
  app.add_option("--fsync", raw.fsync,
                 "off: nothing is synced, and a power loss may take what was acknowledged; to "
                 "measure what syncs cost, and for nothing else [on]")
      ->check(CLI::IsMember({"on", "off"}));
  app.add_option("--fsync-floor", raw.fsync_floor,
                 "emulates a slower disk: no sync takes less than this [none]");
  app.add_option("--bug", raw.bugs, "makes a known mistake (whitewater list bugs); repeatable");
}

}  // namespace

CommandLine parse_command_line(int argc, const char* const* argv) {
  CLI::App app(
      "One Raft node of Whitewater.\n\n"
      "Example, a cluster of one:\n"
      "  whitewater-node --id n1 --data /tmp/n1 --first-start --client-listen 127.0.0.1:7002\n" +
          std::string(has_tripwire() ? ""
                                     : "\nThis build has no tripwire in stepped mode: it needs "
                                       "x86-64 Linux without sanitizers.\n"),
      "whitewater-node");
  Raw raw;
  Options options;
  options.config.snapshots.entries = kSnapshotEntries;
  declare(app, raw, options);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    return {.options = std::nullopt, .status = kExitShutdown, .text = app.help()};
  } catch (const CLI::ParseError& error) {
    return {.options = std::nullopt, .status = kExitUsage, .text = error.what()};
  }
  Result<void> done = parse_cluster(raw, options.config);
  if (done) done = parse_endpoints(raw, options);
  if (!done) return {.options = std::nullopt, .status = kExitUsage, .text = done.error().message};
  return {.options = std::move(options), .status = kExitShutdown, .text = ""};
}

}  // namespace ww::host
