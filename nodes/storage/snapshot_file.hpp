// The bytes of a snapshot file, without files: docs/log-format.md as code. Pure functions.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "nodes/storage/log_store.hpp"

namespace ww::storage {

inline constexpr std::size_t kSnapshotHeaderBytes = 24;

/// "snap-0000004711.snap"; while it is written, "snap-0000004711.tmp".
std::string snapshot_name(Index index);
std::string snapshot_temporary_name(Index index);
/// The index in a snapshot's name; none for any other name.
std::optional<Index> snapshot_index(std::string_view name);
bool is_snapshot_temporary(std::string_view name);

struct SnapshotFile {
  NodeId node;
  LogPosition at;
  LogStart log;            // the segment with which the log begins beside it
  std::string_view bytes;  // lent by the file
};
/// Appends the whole file.
void append_snapshot_file(std::string& out, const SnapshotFile& file);
/// None when `file` is not exactly what append_snapshot_file wrote.
std::optional<SnapshotFile> read_snapshot_file(std::string_view file);

}  // namespace ww::storage
