#include "controller/worlds/damage.hpp"

#include <optional>
#include <string>
#include <vector>

#include "base/rng.hpp"
#include "nodes/storage/format.hpp"
#include "nodes/storage/snapshot_file.hpp"

namespace ww::worlds {

namespace {

struct FoundRecord {
  std::string file;
  storage::Place at;
  std::uint64_t size = 0;
  storage::Place synced;
};

/// The snapshot that a start would take.
const DiskImage::value_type* latest_snapshot(const DiskImage& files) {
  const DiskImage::value_type* latest = nullptr;
  Index highest = 0;
  for (const auto& file : files) {
    const auto index = storage::snapshot_index(file.first);
    if (!index || *index <= highest) continue;
    highest = *index;
    latest = &file;
  }
  return latest;
}

/// The records that a start would read, in order.
std::vector<FoundRecord> records_of(const DiskImage& files) {
  std::uint64_t first = 1;
  if (const auto* latest = latest_snapshot(files)) {
    const auto snapshot = storage::read_snapshot_file(latest->second);
    if (snapshot) first = snapshot->log.segment;
  }
  std::vector<FoundRecord> out;
  for (const auto& [name, bytes] : files) {
    const auto segment = storage::segment_number(name);
    if (!segment || *segment < first) continue;
    storage::Place at{*segment, storage::kSegmentHeaderBytes};
    while (at.offset < bytes.size()) {
      const storage::ReadRecord read = storage::read_record(bytes, at);
      if (!read.record) break;
      out.push_back({name, at, read.record->size, read.record->synced});
      at.offset += read.record->size;
    }
  }
  return out;
}

/// Flips one to three bits of a byte in [from, from + size).
std::string flip(std::string& bytes, std::uint64_t from, std::uint64_t size, Rng rng) {
  const std::uint64_t at = from + rng.below(size);
  const std::uint64_t bits = 1 + rng.below(3);
  unsigned mask = 0;
  for (std::uint64_t i = 0; i < bits; ++i) mask |= 1U << rng.below(8);
  char& byte = bytes[static_cast<std::size_t>(at)];
  byte = static_cast<char>(static_cast<unsigned char>(byte) ^ mask);
  return "offset " + std::to_string(at) + ": bits flipped";
}

faults::DamageDone flip_record(DiskImage& files, const FoundRecord& record, Rng rng) {
  return {true, record.file + ", " + flip(files[record.file], record.at.offset, record.size, rng)};
}

faults::DamageDone flip_log(DiskImage& files, std::uint64_t key) {
  const std::vector<FoundRecord> records = records_of(files);
  std::vector<FoundRecord> vouched;
  storage::Place later;  // what those behind say was synced
  for (auto record = records.rbegin(); record != records.rend(); ++record) {
    if (later > record->at) vouched.push_back(*record);
    later = std::max(later, record->synced);
  }
  if (vouched.empty()) return {false, "there was no record that another one vouches for"};
  const std::uint64_t which = keyed(key, "damage.record").below(vouched.size());
  return flip_record(files, vouched[static_cast<std::size_t>(which)], keyed(key, "damage.bits"));
}

faults::DamageDone flip_tail(DiskImage& files, std::uint64_t key) {
  const std::vector<FoundRecord> records = records_of(files);
  if (records.empty()) return {false, "there was no record"};
  return flip_record(files, records.back(), keyed(key, "damage.bits"));
}

faults::DamageDone flip_snapshot(DiskImage& files, std::uint64_t key) {
  const auto* latest = latest_snapshot(files);
  if (latest == nullptr) return {false, "there was no snapshot"};
  const std::string name = latest->first;
  const std::string what = flip(files[name], 0, latest->second.size(), keyed(key, "damage.bits"));
  return {true, name + ", " + what};
}

}  // namespace

DiskImage damaged_files(const faults::DiskModel& disk, faults::Damage damage, std::uint64_t key,
                        faults::DamageDone& done) {
  faults::Loss loss;
  DiskImage files = disk.volatile_image();
  switch (damage) {
    case faults::Damage::kFlipLog:
      done = flip_log(files, key);
      break;
    case faults::Damage::kFlipTail:
      files = disk.crash(key, faults::CrashStyle::kNothing, loss);
      done = flip_tail(files, key);
      break;
    case faults::Damage::kFlipSnapshot:
      done = flip_snapshot(files, key);
      break;
    case faults::Damage::kTornWrite:
      files = disk.torn(key, loss);
      done = {loss.effective(),
              "a write lost its last " + std::to_string(loss.bytes_lost) + " bytes"};
      break;
    case faults::Damage::kWipe:
      done = {!files.empty(), "wiped"};
      files.clear();
      break;
  }
  return files;
}

}  // namespace ww::worlds
