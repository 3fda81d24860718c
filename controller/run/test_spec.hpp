// A resolved test: everything that is needed to run it again. It is test.json.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "base/wire/configuration.hpp"

namespace ww::run {

inline constexpr int kTestSchema = 1;
inline constexpr std::uint32_t kMaxNodes = 9;

struct TestSpec {
  std::uint64_t seed = 0;
  std::string world = "live";
  std::uint32_t nodes = 5;           // the first voters
  std::uint32_t spares = 0;          // nodes that are no members at first
  std::string membership = "joint";  // how members change: or "single", one voter at a time
  std::string workload = "register";
  std::vector<std::string> faults = {"all"};  // kinds; "all" and "none" stand for sets
  std::vector<std::string> bugs;

  Duration time_limit = seconds(40);      // of torture
  Duration recovery_limit = seconds(10);  // from the last heal to convergence
  Duration interval_low = seconds(2);     // between two faults
  Duration interval_high = seconds(5);

  std::uint32_t concurrency = 0;  // workers; 0: three a node
  std::uint32_t rate = 1000;      // ops/s in all; 0: closed loop, as fast as answers come
  Duration op_timeout = seconds(1);
  bool small_domain = false;  // values 0..4, as Jepsen's register test, instead of unique ones
  std::uint32_t follow_one_in = 3;      // every so-manieth worker follows redirects; 0: none
  std::uint32_t log_read_percent = 20;  // of the reads that go through the log

  Duration election_timeout = milliseconds(300);
  Duration heartbeat_interval = milliseconds(50);
  std::string reads = "index";     // how those that are not logged are served: or "lease"
  std::uint32_t lease_drift = 10;  // percent: the bound on drift that leases are safe within
  std::string drift = "bounded";   // clocks stay within it where there are leases; or "any"
  bool follower_reads = false;     // followers serve index reads too
  std::string batching = "on";     // "off": a write and an append for each command
  std::string pipelining = "on";   // "off": one append with entries under way to a peer at a time
  std::uint64_t segment_bytes = 64U << 10;    // small, so that files are created under fire
  std::uint64_t session_entries = 1'000'000;  // an unused session expires after so many; 0: never
  std::uint64_t watch_entries = 4096;         // so far back go those who watch keys
  std::uint64_t snapshot_entries = 1000;  // a snapshot follows so many entries; 0: never for that
  std::uint64_t snapshot_bytes = 0;       // ... so many bytes of entries; 0: never for that
  Duration snapshot_interval{};           // ... so long after the last; 0: never for that
  std::uint64_t snapshot_trailing = 64;   // entries that logs keep in front of a snapshot
  std::uint32_t snapshot_piece = 64U << 10;  // bytes of a snapshot in one message

  /// Which nodes recover at the end: "all", or "quorum": one that can make progress, while the
  /// others stay broken.
  std::string heal = "all";
  /// Ends the run at this moment of the torture, without recovery; 0s: at its time limit, with it.
  Duration cut{};
  std::uint64_t max_events = 20'000'000;  // of a deterministic run; more is a livelock

  bool ignore_traces = false;  // judge by the clients' history alone
  std::string address;         // "127.11.7": the loopback prefix of the run; empty: a free one

  [[nodiscard]] std::uint32_t all_nodes() const { return nodes + spares; }
  [[nodiscard]] wire::MembershipMode membership_mode() const {
    return membership == "single" ? wire::MembershipMode::kSingle : wire::MembershipMode::kJoint;
  }
  [[nodiscard]] std::uint32_t workers() const { return concurrency != 0 ? concurrency : 3 * nodes; }
  friend bool operator==(const TestSpec&, const TestSpec&) = default;
};

/// test.json; `indent` spaces a level.
std::string to_json(const TestSpec& spec);
/// Errors: kUsage naming the key and what is wrong with it, kCorrupt when it is not JSON.
Result<TestSpec> parse_test(std::string_view text, const std::string& name);

/// Whether `text` is a JSON object with that "schema" and "v". Never throws.
bool has_schema(std::string_view text, std::string_view schema, int version);

/// Numbers within their bounds, known world. Errors: kUsage naming the flag.
Result<void> validate(const TestSpec& spec);

/// `run` with every flag whose value is not the default; shell-ready.
std::string command_line(const TestSpec& spec);

/// The flags of these names (without dashes) with the spec's values; shell-ready: "--nodes 3".
std::string flags_of(const TestSpec& spec, const std::vector<std::string>& names);

/// "40s", "1.5s", "250ms", "2m", "6h", "100us". Errors: kUsage.
Result<Duration> parse_duration(std::string_view text);
std::string format_duration(Duration duration);

}  // namespace ww::run
