// The `register` workload: read, write and compare-and-set of many independent registers.
//
// A few keys are in use at a time, so that the workers meet on them; after some hundred ops, or a
// few indeterminate ones, a key retires and a fresh one takes its slot, which keeps the checker's
// problem small (Jepsen's `independent` does the same). By default every write writes a value never
// written before, which makes checking cheap and names the write that a read saw; the small domain
// of Jepsen's own register test (0 to 4) is the other mode.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "workloads/generator.hpp"

namespace ww::workloads {

enum class Values : std::uint8_t { kUnique, kSmall };

struct RegisterOptions {
  std::uint64_t seed = 1;
  Values values = Values::kUnique;
  std::uint32_t reader_percent = 33;    // of the spells in which a worker only reads
  std::uint32_t read_percent = 40;      // in the other spells
  std::uint32_t write_percent = 30;     // in the other spells; the rest are cas
  std::uint32_t log_read_percent = 25;  // of the reads; the others ask by ReadIndex
  std::uint32_t active_keys = 4;
  std::uint32_t ops_per_key = 256;  // a key retires after so many calls,
  std::uint32_t infos_per_key = 8;  // or so many indeterminate ops
};

/// Values of the small domain lie in [0, kSmallDomain).
inline constexpr std::int64_t kSmallDomain = 5;
/// A spell is so many calls of one worker. A worker that mixes reads and writes soon waits for a
/// write that an isolated leader cannot commit; one that only reads keeps asking it, and so finds a
/// leader that answers without a quorum.
inline constexpr std::uint64_t kSpell = 100;
/// The value that only this call writes: the worker, counted from 1, in the upper half and the
/// ordinal in the lower.
[[nodiscard]] std::int64_t unique_value(std::uint32_t worker, std::uint64_t ordinal);

class RegisterGenerator final : public Generator {
 public:
  /// REQUIRES: active_keys > 0, ops_per_key > 0, infos_per_key > 0, percentages that fit in 100.
  explicit RegisterGenerator(const RegisterOptions& options);

  Call next(std::uint32_t worker, std::uint64_t ordinal) override;
  Call closing_write(std::uint32_t worker, std::uint64_t ordinal, std::uint64_t key) override;
  void on_completion(const Op& op) override;

 private:
  static constexpr std::size_t kRecent = 4;
  struct Slot {
    std::uint64_t key = 0;
    std::uint32_t ops = 0;
    std::uint32_t infos = 0;
    std::array<std::int64_t, kRecent> recent{};  // values seen in the key, the latest last
    std::size_t recent_count = 0;
  };

  [[nodiscard]] bool in_reading_spell(std::uint32_t worker, std::uint64_t ordinal) const;
  [[nodiscard]] std::int64_t fresh_value(std::uint32_t worker, std::uint64_t ordinal) const;
  [[nodiscard]] std::int64_t expected_value(const Slot& slot, std::uint32_t worker,
                                            std::uint64_t ordinal) const;
  void rotate_if_worn(Slot& slot);
  static void remember(Slot& slot, const Value& value);

  RegisterOptions options_;
  std::vector<Slot> slots_;
};

}  // namespace ww::workloads
