// Random but reproducible batches for the log's tests, and the state that they lead to.
//
// The expected state is kept as a list of entries, without a byte of the log's own code.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/rng.hpp"
#include "nodes/storage/log_store.hpp"

namespace ww::storage::testing {

struct LogState {
  HardState state;
  std::vector<std::string> entries;  // encoded; index 1 first
  friend bool operator==(const LogState&, const LogState&) = default;
};

/// What recovery found, entry by entry.
inline LogState state_of(const Survived& survived) {
  LogState out{survived.state, {}};
  ByteReader in(survived.entries);
  for (std::uint64_t i = 0; i < survived.count; ++i) {
    const std::size_t start = in.position();
    wire::read_entry(in);
    out.entries.push_back(survived.entries.substr(start, in.position() - start));
  }
  WW_ASSERT(in.done() && survived.base.index == 0, "survived entries are exactly those announced");
  return out;
}

/// A batch that owns its entries.
struct OwnedBatch {
  Batch batch;
  std::string entries;
  [[nodiscard]] Batch view() const {
    Batch out = batch;
    out.entries = entries;
    return out;
  }
};

/// The batch `number` after `before`: state, truncation, entries, or several of them.
inline OwnedBatch random_batch(std::uint64_t seed, std::uint64_t number, const LogState& before,
                               std::uint64_t max_payload) {
  Rng rng = keyed(seed, "test.batch", number);
  OwnedBatch out;
  const std::uint64_t what = 1 + rng.below(7);
  if ((what & 1) != 0) {
    const auto vote = static_cast<std::uint32_t>(rng.below(4));
    out.batch.state = HardState{before.state.term + rng.below(2), NodeId{vote}};
  }
  std::uint64_t next = before.entries.size() + 1;
  if ((what & 2) != 0 && next > 1 && rng.below(2) == 0) {
    next -= 1 + rng.below(std::min<std::uint64_t>(3, next - 1));
    out.batch.truncate_from = next;
  }
  if ((what & 4) != 0 || (!out.batch.state && !out.batch.truncate_from)) {
    out.batch.first = next;
    out.batch.count = static_cast<std::uint32_t>(1 + rng.below(3));
    for (std::uint32_t i = 0; i < out.batch.count; ++i) {
      std::string payload;
      for (std::uint64_t n = rng.below(max_payload + 1); n > 0; --n) {
        payload.push_back(static_cast<char>(rng.below(256)));
      }
      wire::append_entry(out.entries, {number, wire::EntryKind::kCommand, payload});
    }
  }
  return out;
}

/// What `batch` makes of `state`.
inline void apply(LogState& state, const OwnedBatch& owned) {
  const Batch batch = owned.view();
  if (batch.truncate_from) state.entries.resize(*batch.truncate_from - 1);
  ByteReader in(batch.entries);
  for (std::uint32_t i = 0; i < batch.count; ++i) {
    const std::size_t start = in.position();
    wire::read_entry(in);
    state.entries.emplace_back(batch.entries.substr(start, in.position() - start));
  }
  if (batch.state) state.state = *batch.state;
}

}  // namespace ww::storage::testing
