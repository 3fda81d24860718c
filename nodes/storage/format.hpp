// The bytes of the log, without files: docs/log-format.md as code. Pure functions, both directions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "nodes/storage/log_store.hpp"

namespace ww::storage {

inline constexpr std::size_t kSegmentHeaderBytes = 24;
inline constexpr std::size_t kRecordHeaderBytes = 11;
inline constexpr std::size_t kRecordTrailerBytes = 1;
/// A crash leaves of each the old or the new bytes.
inline constexpr std::size_t kSectorBytes = 512;

/// "log-0000000001.seg".
std::string segment_name(std::uint64_t segment);
/// The number in a segment's name; none for any other name. Segments count from 1.
std::optional<std::uint64_t> segment_number(std::string_view name);

struct SegmentHeader {
  NodeId node;
  std::uint64_t segment = 0;
};
void append_segment_header(std::string& out, const SegmentHeader& header);
/// None when the file does not begin with a whole header of a valid checksum.
std::optional<SegmentHeader> read_segment_header(std::string_view file);

/// Appends the record of `batch` as it is to stand at `at`. `synced`: everything before it is
/// durable. False, and nothing appended, when its body would be larger than kMaxRecordBody.
bool append_batch(std::string& out, Place at, Place synced, const Batch& batch);
void append_watermark(std::string& out, Place at, Place synced);

struct Record {
  std::uint64_t size = 0;      // in the file, header and trailer included
  Place synced;                // what it says was durable when it was written
  std::optional<Batch> batch;  // none in a watermark; its entries point into the file
};

/// A valid record, or why there is none.
struct ReadRecord {
  std::optional<Record> record;
  std::string_view problem;
};

/// Reads the record at `at` of the segment whose bytes are `file`. REQUIRES: at.offset <
/// file.size(). Errors: a `problem`, for every input that append_* would not have written there.
ReadRecord read_record(std::string_view file, Place at);

/// Whether a write that a crash tore explains why there is no record at `at`: of some sector there
/// is nothing, or the file ends within the record. REQUIRES: read_record(file, at) finds none.
bool is_torn_record(std::string_view file, Place at);
/// The same of a segment's header.
bool is_torn_header(std::string_view file);

/// The first offset from `from` on at which a record could begin (its marker is there), or npos.
std::size_t find_marker(std::string_view file, std::size_t from);

/// Whether `batch.entries` are exactly `batch.count` encoded entries.
bool entries_are_well_formed(const Batch& batch);

}  // namespace ww::storage
