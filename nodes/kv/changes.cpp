#include "nodes/kv/changes.hpp"

#include <algorithm>
#include <utility>

#include "base/hash.hpp"

namespace ww::kv {

namespace {

std::uint64_t size_of(const wire::Change& change) {
  return change.key.size() + change.value.size();
}

std::uint64_t hash_of_forgotten(Index revision) {
  return revision == 0 ? 0 : hash_combine(0x666f72676f747465ULL, revision);
}

}  // namespace

std::uint64_t hash_of_pair(std::string_view key, std::string_view value) {
  return hash_bytes(value, hash_bytes(key, 0x6b65792d76616c75ULL));
}

std::uint64_t hash_of_absence(std::string_view key) {
  return hash_bytes(key, 0x616273656e742d6bULL);
}

void Changes::add(wire::Change change, std::uint64_t hash, const Limits& limits) {
  const Index revision = change.revision;
  keep(std::move(change), hash);
  forget(revision, limits);
}

void Changes::keep(wire::Change change, std::uint64_t hash) {
  bytes_ += size_of(change);
  const std::uint64_t digest = hash_combine(hash, change.revision);
  digest_ += digest;
  kept_.push_back({std::move(change), digest});
}

void Changes::forget(Index now, const Limits& limits) {
  while (!kept_.empty() && (now - kept_.front().change.revision >= limits.history_entries ||
                            bytes_ > limits.history_bytes)) {
    forget_first();
  }
}

void Changes::forget_first() {
  const Kept& first = kept_.front();
  bytes_ -= size_of(first.change);
  digest_ -= first.digest + hash_of_forgotten(forgotten_);
  forgotten_ = first.change.revision;
  digest_ += hash_of_forgotten(forgotten_);
  kept_.pop_front();
}

Changes::Iterator Changes::from(Index revision) const {
  return std::lower_bound(kept_.begin(), kept_.end(), revision, [](const Kept& kept, Index wanted) {
    return kept.change.revision < wanted;
  });
}

void Changes::encode(std::string& out) const {
  ByteWriter w(out);
  w.varint(forgotten_);
  w.varint(kept_.size());
  for (const Kept& kept : kept_) wire::encode_record(out, kept.change);
}

void Changes::decode(ByteReader& in) {
  forgotten_ = in.varint();
  digest_ = hash_of_forgotten(forgotten_);
  Index last = forgotten_;
  for (std::uint64_t left = in.varint(); left > 0 && in.ok(); --left) {
    wire::Change change;
    wire::decode_record(in, change);
    if (change.revision <= last || (!change.exists && !change.value.empty())) return in.fail();
    last = change.revision;
    const std::uint64_t hash =
        change.exists ? hash_of_pair(change.key, change.value) : hash_of_absence(change.key);
    keep(std::move(change), hash);
  }
}

}  // namespace ww::kv
