#include "nodes/storage/byte_store.hpp"

#include <utility>

namespace ww::storage {

namespace {

using wire::trace::StoreOp;

Error missing(const std::string& file) {
  return Error{ErrorCode::kInternal, true, "no such file: " + file};
}

Error exists(const std::string& file) {
  return Error{ErrorCode::kInternal, true, "file exists already: " + file};
}

}  // namespace

Result<std::vector<std::string>> LoggedStore::list() {
  return inner_.list();
}

Result<std::string> LoggedStore::read(const std::string& file) {
  return inner_.read(file);
}

void LoggedStore::tell(StoreOp op, std::string_view file, std::string_view other,
                       std::uint64_t offset, std::string_view data, bool ok) {
  line_.op = op;
  line_.file = file;
  line_.other = other;
  line_.offset = offset;
  line_.data = data;
  line_.ok = ok;
  log_(line_);
}

Result<void> LoggedStore::create(const std::string& file) {
  tell(StoreOp::kCreate, file);
  return inner_.create(file);
}

Result<void> LoggedStore::rename(const std::string& from, const std::string& to) {
  tell(StoreOp::kRename, from, to);
  return inner_.rename(from, to);
}

Result<void> LoggedStore::unlink(const std::string& file) {
  tell(StoreOp::kUnlink, file);
  return inner_.unlink(file);
}

Result<void> LoggedStore::truncate(const std::string& file, std::uint64_t size) {
  tell(StoreOp::kTruncate, file, {}, size);
  return inner_.truncate(file, size);
}

Result<void> LoggedStore::write(const std::string& file, std::uint64_t offset,
                                std::string_view data) {
  tell(StoreOp::kWrite, file, {}, offset, data);
  return inner_.write(file, offset, data);
}

Result<void> LoggedStore::sync_file(const std::string& file) {
  Result<void> done = inner_.sync_file(file);
  tell(StoreOp::kSyncFile, file, {}, 0, {}, done.ok());
  return done;
}

Result<void> LoggedStore::sync_prefix(const std::string& file, std::uint64_t upto) {
  Result<void> done = inner_.sync_prefix(file, upto);
  tell(StoreOp::kSyncFile, file, {}, upto, {}, done.ok());
  return done;
}

Result<void> LoggedStore::sync_dir() {
  Result<void> done = inner_.sync_dir();
  tell(StoreOp::kSyncDir, {}, {}, 0, {}, done.ok());
  return done;
}

Result<std::vector<std::string>> MemoryStore::list() {
  std::vector<std::string> names;
  names.reserve(files.size());
  for (const auto& [name, bytes] : files) names.push_back(name);
  return names;
}

Result<std::string> MemoryStore::read(const std::string& file) {
  const auto it = files.find(file);
  if (it == files.end()) return missing(file);
  return it->second;
}

Result<void> MemoryStore::create(const std::string& file) {
  if (!files.try_emplace(file).second) return exists(file);
  return {};
}

Result<void> MemoryStore::rename(const std::string& from, const std::string& to) {
  const auto it = files.find(from);
  if (it == files.end()) return missing(from);
  if (from == to) return {};
  std::string bytes = std::move(it->second);
  files.erase(it);
  files.insert_or_assign(to, std::move(bytes));
  return {};
}

Result<void> MemoryStore::unlink(const std::string& file) {
  if (files.erase(file) == 0) return missing(file);
  return {};
}

Result<void> MemoryStore::truncate(const std::string& file, std::uint64_t size) {
  const auto it = files.find(file);
  if (it == files.end()) return missing(file);
  it->second.resize(static_cast<std::size_t>(size), '\0');
  return {};
}

Result<void> MemoryStore::write(const std::string& file, std::uint64_t offset,
                                std::string_view data) {
  const auto it = files.find(file);
  if (it == files.end()) return missing(file);
  std::string& bytes = it->second;
  const auto at = static_cast<std::size_t>(offset);
  if (bytes.size() < at) bytes.resize(at, '\0');
  bytes.replace(at, data.size(), data);
  return {};
}

Result<void> MemoryStore::sync_file(const std::string& file) {
  if (!files.contains(file)) return missing(file);
  return {};
}

Result<void> MemoryStore::sync_dir() {
  return {};
}

}  // namespace ww::storage
