// The command line of whitewater-node (docs/node.md).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/ids.hpp"
#include "base/net/frame_socket.hpp"
#include "nodes/host/recorder.hpp"
#include "nodes/raft/contract.hpp"

namespace ww::host {

/// Exit codes, as in sysexits.h where it has one.
inline constexpr int kExitShutdown = 0;
inline constexpr int kExitUsage = 64;
inline constexpr int kExitDamagedLog = 65;
inline constexpr int kExitEnvironment = 69;  // a port or directory; the controller went away
inline constexpr int kExitInternal = 70;
inline constexpr int kExitDisk = 74;

struct Options {
  raft::Config config;
  std::string data;
  bool first_start = false;
  std::optional<int> stepped_fd;       // serves a deterministic world there, and nobody else
  std::optional<net::Address> listen;  // for peers; nothing in a cluster of one
  net::Address client_listen;
  std::map<NodeId, net::Address> peers;  // where to reach them: a proxy, or themselves
  std::optional<net::Address> control;
  int trace_fd = -1;
  std::optional<std::int64_t> origin_ns;  // CLOCK_MONOTONIC at the beginning of the run
  std::optional<std::int64_t> parent_pid;
  std::uint64_t segment_bytes = std::uint64_t{1} << 20;
  bool preallocate = true;  // its files have their size from the beginning
  std::string journal;  // directory of the flight recorder; empty: none
  JournalOptions journaling;
  bool group_commit = true;  // false: a sync for each write
  bool fsync = true;         // false: the data directory is never synced, whatever is told
  Duration fsync_floor{};    // no sync of it is told done sooner
};

/// What the arguments ask for: a node, or only a text and an exit status.
struct CommandLine {
  std::optional<Options> options;
  int status = kExitShutdown;
  std::string text;  // help for stdout when status is 0, else the complaint
};

/// Errors: in `status` and `text`, naming the flag and what is wrong with it.
CommandLine parse_command_line(int argc, const char* const* argv);

}  // namespace ww::host
