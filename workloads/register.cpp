#include "workloads/register.hpp"

#include <algorithm>

#include "base/assert.hpp"
#include "base/rng.hpp"

namespace ww::workloads {

std::int64_t unique_value(std::uint32_t worker, std::uint64_t ordinal) {
  WW_ASSERT(worker < INT32_MAX, "a worker beyond the range of unique values");
  WW_ASSERT(ordinal <= UINT32_MAX, "an ordinal beyond the range of unique values");
  return static_cast<std::int64_t>((std::uint64_t{worker} + 1) << 32 | ordinal);
}

RegisterGenerator::RegisterGenerator(const RegisterOptions& options) : options_(options) {
  WW_ASSERT(options.active_keys > 0, "a register workload without keys");
  WW_ASSERT(options.ops_per_key > 0 && options.infos_per_key > 0, "keys that retire at once");
  WW_ASSERT(options.read_percent + options.write_percent <= 100 && options.log_read_percent <= 100,
            "a mix of more than 100 percent");
  slots_.resize(options.active_keys);
  for (std::size_t i = 0; i < slots_.size(); ++i) slots_[i].key = i;
}

bool RegisterGenerator::in_reading_spell(std::uint32_t worker, std::uint64_t ordinal) const {
  Rng rng = keyed(options_.seed, "register.spell", worker, ordinal / kSpell);
  return rng.below(100) < options_.reader_percent;
}

Call RegisterGenerator::next(std::uint32_t worker, std::uint64_t ordinal) {
  Rng rng = keyed(options_.seed, "register.call", worker, ordinal);
  const std::uint64_t dice = rng.below(100);
  Slot& slot = slots_[rng.below(slots_.size())];
  Call call;
  call.key = slot.key;
  if (in_reading_spell(worker, ordinal)) {
    call.read_mode = wire::ReadMode::kIndex;
  } else if (dice < options_.read_percent) {
    const bool log = rng.below(100) < options_.log_read_percent;
    call.read_mode = log ? wire::ReadMode::kLog : wire::ReadMode::kIndex;
  } else if (dice < std::uint64_t{options_.read_percent} + options_.write_percent ||
             slot.recent_count == 0) {
    // A cas of a key in which nothing was seen yet has nothing to expect; it is a write then.
    call.f = Func::kWrite;
    call.value = fresh_value(worker, ordinal);
  } else {
    call.f = Func::kCas;
    call.value = expected_value(slot, worker, ordinal);
    call.to = fresh_value(worker, ordinal);
  }
  ++slot.ops;
  rotate_if_worn(slot);
  return call;
}

Call RegisterGenerator::closing_write(std::uint32_t worker, std::uint64_t ordinal,
                                      std::uint64_t key) {
  Call call;
  call.f = Func::kWrite;
  call.key = key;
  call.value = fresh_value(worker, ordinal);
  return call;
}

std::int64_t RegisterGenerator::fresh_value(std::uint32_t worker, std::uint64_t ordinal) const {
  if (options_.values == Values::kUnique) return unique_value(worker, ordinal);
  return keyed(options_.seed, "register.value", worker, ordinal).between(0, kSmallDomain - 1);
}

/// Half the time the latest value seen in the key, so that many a cas matches; otherwise any value
/// of the small domain, or one of those seen lately.
std::int64_t RegisterGenerator::expected_value(const Slot& slot, std::uint32_t worker,
                                               std::uint64_t ordinal) const {
  Rng rng = keyed(options_.seed, "register.expected", worker, ordinal);
  if (rng.below(2) == 0) return slot.recent[slot.recent_count - 1];
  if (options_.values == Values::kSmall) return rng.between(std::int64_t{0}, kSmallDomain - 1);
  return slot.recent[rng.below(slot.recent_count)];
}

void RegisterGenerator::on_completion(const Op& op) {
  Slot& slot = slots_[op.key % slots_.size()];
  if (slot.key != op.key) return;  // It has retired meanwhile.
  if (op.type == OpType::kInfo) {
    ++slot.infos;
    rotate_if_worn(slot);
  } else if (op.type == OpType::kOk) {
    if (op.f == Func::kRead || op.f == Func::kWrite) remember(slot, op.value);
    if (op.f == Func::kCas) remember(slot, op.matched ? op.to : op.seen);
  }
}

void RegisterGenerator::remember(Slot& slot, const Value& value) {
  const auto* number = std::get_if<std::int64_t>(&value);
  if (number == nullptr) return;
  if (slot.recent_count == kRecent) {
    std::rotate(slot.recent.begin(), slot.recent.begin() + 1, slot.recent.end());
    --slot.recent_count;
  }
  slot.recent[slot.recent_count++] = *number;
}

/// A slot's keys are slot, slot + active_keys, slot + 2 * active_keys, ...: one slot's wear does
/// not rename another's keys.
void RegisterGenerator::rotate_if_worn(Slot& slot) {
  if (slot.ops < options_.ops_per_key && slot.infos < options_.infos_per_key) return;
  const std::uint64_t key = slot.key + slots_.size();
  slot = Slot();
  slot.key = key;
}

}  // namespace ww::workloads
