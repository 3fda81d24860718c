// The format of the durable log and of snapshots, read from outside the node.
//
// This is the harness' own reading of docs/log-format.md. It shares no code with the node's
// storage, so that a mistake there does not hide itself here.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/evidence.hpp"
#include "checkers/invariants/log_chain.hpp"
#include "checkers/invariants/snapshot_points.hpp"

namespace ww::checkers::invariants {

inline constexpr std::size_t kSegmentHeader = 24;
inline constexpr std::size_t kRecordHeader = 11;
/// No record body is longer; a longer one is not a record.
inline constexpr std::uint32_t kMaxRecordBody = 8U << 20;

/// A place in the chain of segments; compares as the log is read.
struct DiskPosition {
  std::uint64_t segment = 0;
  std::uint64_t offset = 0;
  friend constexpr auto operator<=>(const DiskPosition&, const DiskPosition&) = default;
};

struct VoteState {
  Term term = 0;
  NodeId vote;
  friend bool operator==(const VoteState&, const VoteState&) = default;
};

struct DiskRecord {
  DiskPosition synced;  // how far the log was known durable when this was written
  std::optional<VoteState> state;
  std::optional<LogPosition> reset_to;
  std::optional<Index> cut_from;
  Index first = 0;
  std::uint32_t count = 0;
  std::string_view entries;  // encoded; lent by the bytes decoded
  std::size_t size = 0;      // of the whole record
};

enum class DiskRead : std::uint8_t { kRecord, kMore, kBad };

/// The segment number in a file's name; nothing for other files.
std::optional<std::uint64_t> segment_of(std::string_view file);
/// Whether `bytes` begin with the header of segment `segment`, of whatever node.
DiskRead read_segment_header(std::string_view bytes, std::uint64_t segment);
/// Reads the record at `at` from the front of `bytes`. kMore: a prefix of a record may be here.
DiskRead read_disk_record(std::string_view bytes, DiskPosition at, DiskRecord& out);

/// The index in a snapshot's name; nothing for other files.
std::optional<Index> snapshot_of_file(std::string_view file);

/// What held where a segment begins.
struct SegmentStart {
  VoteState state;
  LogPosition last;                    // of the log
  std::optional<std::uint64_t> chain;  // up to there, where it is known
};

struct DiskSnapshot {
  LogPosition at;
  std::uint64_t first_segment = 0;  // with which the log begins beside it
  SegmentStart start;               // what it says held there
  std::uint64_t digest = 0;
  wire::Configuration configuration;
};
/// Nothing when `bytes` are no whole snapshot file.
std::optional<DiskSnapshot> read_snapshot(std::string_view bytes);

struct DiskConfiguration {
  LogPosition at;
  wire::Configuration configuration;
};

/// What the records say when they are read in order.
struct DiskState {
  VoteState state;
  LogChain log;
  /// Applies a batch. False, with nothing changed, when it does not continue the log. Adds the
  /// configurations among its entries to `configurations`.
  bool apply(const DiskRecord& record, const SnapshotPoints& points,
             std::vector<DiskConfiguration>* configurations = nullptr);
};

/// The result of reading a data directory.
struct DiskContents {
  struct Segment {
    std::uint64_t number = 0;
    std::string file;
    std::uint64_t size = 0;
    std::uint64_t valid_end = 0;  // where reading stopped in it
    Index last_after = 0;         // the log's end after its valid records
    VoteState state_after;
    Index lowest_cut = ~Index{0};  // the lowest index at which one of its records cuts the log
    SegmentStart start;
  };
  DiskState raw;    // what the segments alone say
  DiskState found;  // with the snapshot
  std::optional<DiskSnapshot> snapshot;
  std::vector<Segment> segments;      // from the first that counts on, by number
  std::optional<std::string> damage;  // durable bytes are bad: where and why
};

/// `starts`: what is known from outside the files of where segments begin.
DiskContents read_disk(const DiskImage& image, const SnapshotPoints& points = {},
                       const std::map<std::uint64_t, SegmentStart>& starts = {});

}  // namespace ww::checkers::invariants
