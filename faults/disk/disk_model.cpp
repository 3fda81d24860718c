#include "faults/disk/disk_model.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/rng.hpp"

namespace ww::faults {

namespace {

using wire::trace::Store;
using wire::trace::StoreOp;

constexpr std::array<std::string_view, kCrashStyles> kStyleNames = {"nothing", "all", "prefix",
                                                                    "torn"};

/// How likely a coin survives a torn crash: one of these for the whole crash, so that both nearly
/// everything and nearly nothing are common.
constexpr std::array<std::uint32_t, 3> kSurvivalPpm = {100'000, 400'000, 700'000};

std::uint64_t first_sector(std::uint64_t offset) {
  return offset / kSectorBytes;
}

std::uint64_t end_sector(std::uint64_t offset, std::size_t size) {
  return (offset + size + kSectorBytes - 1) / kSectorBytes;
}

void grow(std::string& bytes, std::uint64_t size) {
  if (bytes.size() < size) bytes.resize(static_cast<std::size_t>(size), '\0');
}

void put(std::string& bytes, std::uint64_t offset, std::string_view data) {
  grow(bytes, offset);
  bytes.replace(static_cast<std::size_t>(offset), data.size(), data);
}

std::size_t first_difference(std::string_view a, std::string_view b) {
  const std::size_t both = std::min(a.size(), b.size());
  std::size_t i = 0;
  while (i < both && a[i] == b[i]) ++i;
  return i;
}

std::uint64_t differing_bytes(std::string_view a, std::string_view b) {
  const std::size_t both = std::min(a.size(), b.size());
  std::uint64_t count = std::max(a.size(), b.size()) - both;
  for (std::size_t i = 0; i < both; ++i) count += a[i] != b[i] ? 1 : 0;
  return count;
}

void compare(const DiskImage& before, const DiskImage& after, Loss& loss) {
  for (const auto& [name, bytes] : before) {
    const auto it = after.find(name);
    if (it == after.end()) ++loss.files_lost;
    loss.bytes_lost += differing_bytes(bytes, it == after.end() ? std::string_view() : it->second);
  }
  for (const auto& [name, bytes] : after) {
    if (!before.contains(name)) ++loss.files_lost;
  }
}

Error disagreement(const std::string& file, const std::string& what) {
  return Error{ErrorCode::kCorrupt, true, "disk and store log disagree: " + file + " " + what};
}

Result<void> same(const DiskImage& logged, const DiskImage& actual) {
  for (const auto& [name, bytes] : logged) {
    const auto it = actual.find(name);
    if (it == actual.end()) return disagreement(name, "is missing");
    if (bytes == it->second) continue;
    const std::size_t at = first_difference(bytes, it->second);
    return disagreement(name, "differs at offset " + std::to_string(at) + " (" +
                                  std::to_string(it->second.size()) + " bytes, " +
                                  std::to_string(bytes.size()) + " logged)");
  }
  for (const auto& [name, bytes] : actual) {
    if (!logged.contains(name)) return disagreement(name, "was never created");
  }
  return {};
}

}  // namespace

std::string_view name_of(CrashStyle style) {
  return kStyleNames[static_cast<std::size_t>(style)];
}

std::optional<CrashStyle> crash_style_of(std::string_view name) {
  for (std::size_t i = 0; i < kStyleNames.size(); ++i) {
    if (kStyleNames[i] == name) return static_cast<CrashStyle>(i);
  }
  return std::nullopt;
}

void DiskModel::DirOp::perform(Directory& directory) const {
  switch (kind) {
    case StoreOp::kCreate:
      directory[name] = file;
      return;
    case StoreOp::kRename:
      // A file has one name, also where the rename before this one did not survive.
      std::erase_if(directory, [&](const auto& entry) { return entry.second == file; });
      directory.erase(name);
      directory[other] = file;
      return;
    default:
      directory.erase(name);
      return;
  }
}

void DiskModel::apply(const Store& op) {
  last_intent_ = 0;
  switch (op.op) {
    case StoreOp::kCreate:
    case StoreOp::kRename:
    case StoreOp::kUnlink:
      return apply_to_directory(op);
    case StoreOp::kTruncate:
    case StoreOp::kWrite:
      return apply_to_file(op);
    case StoreOp::kSyncFile: {
      const auto it = current_.find(op.file);
      if (!op.ok || it == current_.end()) return;
      File& file = files_.at(it->second);
      const auto settled = [&](const DataOp& done) {
        return op.offset == 0 || (!done.truncate && done.offset + done.data.size() <= op.offset);
      };
      const auto end = std::find_if_not(file.pending.begin(), file.pending.end(), settled);
      for (auto done = file.pending.begin(); done != end; ++done) perform(file.durable, *done);
      file.pending.erase(file.pending.begin(), end);
      return;
    }
    case StoreOp::kSyncDir:
      if (op.ok) sync_directory();
      return;
  }
}

void DiskModel::apply_to_directory(const Store& op) {
  const auto it = current_.find(op.file);
  if ((it != current_.end()) == (op.op == StoreOp::kCreate)) return;
  if (op.op == StoreOp::kRename && op.file == op.other) return;
  DirOp change{next_op_++, 0, op.op, op.file, op.other, 0};
  if (op.op == StoreOp::kCreate) {
    change.file = next_file_++;
    files_[change.file].first_name = op.file;
  } else {
    change.file = it->second;
  }
  change.ordinal = static_cast<std::uint64_t>(
      std::count_if(pending_names_.begin(), pending_names_.end(),
                    [&](const DirOp& earlier) { return earlier.name == op.file; }));
  change.perform(current_);
  last_intent_ = change.op;
  pending_names_.push_back(std::move(change));
}

void DiskModel::apply_to_file(const Store& op) {
  const auto it = current_.find(op.file);
  if (it == current_.end()) return;
  File& file = files_.at(it->second);
  const bool truncate = op.op == StoreOp::kTruncate;
  if (!truncate && op.data.empty()) return;
  last_intent_ = next_op_;
  file.pending.push_back(
      DataOp{next_op_++, ++file.ops, truncate, op.offset, truncate ? std::string() : op.data});
}

void DiskModel::sync_directory() {
  for (const DirOp& op : pending_names_) op.perform(durable_);
  pending_names_.clear();
  std::set<FileId> named;
  for (const auto& [name, file] : durable_) named.insert(file);
  std::erase_if(files_, [&](const auto& file) { return !named.contains(file.first); });
}

void DiskModel::reset(const DiskImage& image) {
  *this = DiskModel();
  for (const auto& [name, bytes] : image) {
    File file;
    file.first_name = name;
    file.durable = bytes;
    durable_[name] = next_file_;
    files_.emplace(next_file_++, std::move(file));
  }
  current_ = durable_;
}

/// The whole of an operation.
void DiskModel::perform(std::string& bytes, const DataOp& op) {
  if (op.truncate) {
    bytes.resize(static_cast<std::size_t>(op.offset), '\0');
  } else {
    put(bytes, op.offset, op.data);
  }
}

/// What of one operation survives in `bytes`; the number of its sectors (or truncations) that do
/// not.
std::uint64_t DiskModel::survive(std::string& bytes, const File& file, const DataOp& op,
                                 const Toss& toss) {
  const auto heads = [&](std::uint64_t part) {
    return toss(Coin{op.op, file.first_name, op.ordinal, part});
  };
  if (op.truncate) {
    if (!heads(kTruncation)) return 1;
    bytes.resize(static_cast<std::size_t>(op.offset), '\0');
    return 0;
  }
  std::uint64_t lost = 0;
  const std::string_view data = op.data;
  const std::uint64_t end = end_sector(op.offset, data.size());
  for (std::uint64_t sector = first_sector(op.offset); sector < end; ++sector) {
    if (!heads(sector)) {
      ++lost;
      continue;
    }
    const std::uint64_t from = std::max(op.offset, sector * kSectorBytes);
    const std::uint64_t to = std::min(op.offset + data.size(), (sector + 1) * kSectorBytes);
    put(bytes, from,
        data.substr(static_cast<std::size_t>(from - op.offset),
                    static_cast<std::size_t>(to - from)));
  }
  if (heads(kSize)) grow(bytes, op.offset + data.size());
  return lost;
}

std::string DiskModel::contents(const File& file, const Toss& toss, Loss* loss) {
  std::string bytes = file.durable;
  for (const DataOp& op : file.pending) {
    const std::uint64_t lost = survive(bytes, file, op, toss);
    if (loss == nullptr || lost == 0) continue;
    const std::uint64_t all =
        op.truncate ? 1 : end_sector(op.offset, op.data.size()) - first_sector(op.offset);
    loss->ops_lost += lost == all ? 1 : 0;
    loss->ops_torn += lost == all ? 0 : 1;
    loss->torn_sectors += lost == all ? 0 : lost;
  }
  return bytes;
}

DiskImage DiskModel::image(const Toss& toss, Loss* loss) const {
  Directory directory = durable_;
  for (const DirOp& op : pending_names_) {
    if (toss(Coin{op.op, op.name, op.ordinal, kName})) {
      op.perform(directory);
    } else if (loss != nullptr) {
      ++loss->ops_lost;
    }
  }
  DiskImage out;
  for (const auto& [name, file] : directory) out[name] = contents(files_.at(file), toss, loss);
  return out;
}

DiskImage DiskModel::volatile_image() const {
  return image([](const Coin&) { return true; });
}

DiskImage DiskModel::durable_image() const {
  return image([](const Coin&) { return false; });
}

DiskImage DiskModel::crash(std::uint64_t key, CrashStyle style, Loss& loss) const {
  loss = Loss{};
  Toss toss;
  switch (style) {
    case CrashStyle::kNothing:
      toss = [](const Coin&) { return false; };
      break;
    case CrashStyle::kAll:
      toss = [](const Coin&) { return true; };
      break;
    case CrashStyle::kPrefix: {
      const std::vector<std::uint64_t> order = unsynced_order();
      // The last one never survives: that state is kAll's, and a power loss that takes nothing
      // tests nothing.
      const std::uint64_t first_lost =
          order.empty() ? next_op_ : order[keyed(key, "disk.prefix").below(order.size())];
      toss = [first_lost](const Coin& coin) { return coin.op < first_lost; };
      break;
    }
    case CrashStyle::kTorn: {
      const std::uint32_t ppm = kSurvivalPpm[keyed(key, "disk.rate").below(kSurvivalPpm.size())];
      toss = [key, ppm](const Coin& coin) {
        return keyed(key, "disk.coin", coin.file, coin.ordinal, coin.part).chance_ppm(ppm);
      };
      break;
    }
  }
  DiskImage after = image(toss, &loss);
  compare(volatile_image(), after, loss);
  return after;
}

DiskImage DiskModel::torn(std::uint64_t key, Loss& loss) const {
  loss = Loss{};
  DiskModel copy = *this;
  DataOp* last = nullptr;
  for (auto& [id, file] : copy.files_) {
    if (file.pending.empty() || file.pending.back().truncate) continue;
    if (last == nullptr || file.pending.back().op > last->op) last = &file.pending.back();
  }
  if (last != nullptr && last->data.size() > 1) {
    const auto most = static_cast<std::uint64_t>(last->data.size() - 1);
    last->data.resize(static_cast<std::size_t>(1 + keyed(key, "disk.torn").below(most)));
  }
  DiskImage after = copy.volatile_image();
  compare(volatile_image(), after, loss);
  return after;
}

std::vector<std::uint64_t> DiskModel::unsynced_order() const {
  std::vector<std::uint64_t> order;
  for (const DirOp& op : pending_names_) order.push_back(op.op);
  for (const auto& [id, file] : files_) {
    for (const DataOp& op : file.pending) order.push_back(op.op);
  }
  std::sort(order.begin(), order.end());
  return order;
}

std::size_t DiskModel::unsynced_ops() const {
  return unsynced_order().size();
}

std::vector<DiskModel::Coin> DiskModel::coins() const {
  std::vector<Coin> all;
  const Toss collect = [&](const Coin& coin) {
    all.push_back(coin);
    return true;
  };
  // Files that no surviving name would show are asked as well: under other tosses they are shown.
  for (const DirOp& op : pending_names_) collect(Coin{op.op, op.name, op.ordinal, kName});
  for (const auto& [id, file] : files_) contents(file, collect, nullptr);
  return all;
}

Result<std::set<DiskImage>> DiskModel::permitted_states(std::size_t max_coins) const {
  const std::vector<Coin> all = coins();
  if (all.size() > max_coins || all.size() >= 64) {
    return Error{ErrorCode::kTooLarge, true,
                 std::to_string(all.size()) + " coins are unsettled, over the limit of " +
                     std::to_string(max_coins)};
  }
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::size_t> bit_of;
  for (std::size_t i = 0; i < all.size(); ++i) bit_of[{all[i].op, all[i].part}] = i;
  std::set<DiskImage> states;
  for (std::uint64_t tosses = 0; tosses < (std::uint64_t{1} << all.size()); ++tosses) {
    states.insert(image([&](const Coin& coin) {
      return ((tosses >> bit_of.at({coin.op, coin.part})) & 1) != 0;
    }));
  }
  return states;
}

Result<void> DiskModel::agrees_with(const DiskImage& actual) const {
  DiskModel copy = *this;
  return copy.survive_kill(actual);
}

Result<void> DiskModel::survive_kill(const DiskImage& actual) {
  const Result<void> agreed = same(volatile_image(), actual);
  if (agreed || last_intent_ == 0) {
    if (agreed) last_intent_ = 0;
    return agreed;
  }
  DiskModel without = *this;
  without.undo_last_intent();
  if (const File* file = file_of_last_intent(); file != nullptr && !file->pending.back().truncate) {
    // Of a write, a first part may have been done.
    const auto named = std::find_if(current_.begin(), current_.end(), [&](const auto& entry) {
      return &files_.at(entry.second) == file;
    });
    const auto found = actual.find(named->first);
    DataOp op = file->pending.back();
    if (found != actual.end() && found->second.size() > op.offset) {
      const auto offset = static_cast<std::size_t>(op.offset);
      const std::string_view written = std::string_view(found->second).substr(offset);
      op.data.resize(first_difference(op.data, written));
      if (!op.data.empty()) without.files_.at(named->second).pending.push_back(std::move(op));
    }
  }
  if (!same(without.volatile_image(), actual)) return agreed;
  *this = std::move(without);
  return {};
}

/// None when the last intent changed the directory.
DiskModel::File* DiskModel::file_of_last_intent() {
  for (auto& [id, file] : files_) {
    if (!file.pending.empty() && file.pending.back().op == last_intent_) return &file;
  }
  return nullptr;
}

void DiskModel::undo_last_intent() {
  if (File* file = file_of_last_intent(); file != nullptr) {
    file->pending.pop_back();
  } else {
    WW_ASSERT(!pending_names_.empty() && pending_names_.back().op == last_intent_,
              "an intent is unsynced until the next line");
    const DirOp undone = std::move(pending_names_.back());
    pending_names_.pop_back();
    if (undone.kind == StoreOp::kCreate) files_.erase(undone.file);
    current_ = durable_;
    for (const DirOp& op : pending_names_) op.perform(current_);
  }
  last_intent_ = 0;
}

}  // namespace ww::faults
