// The `watch` workload: clients write, read and compare-and-set a few keys, and others watch them.
//
// Of five workers the second watches all keys and the fourth one key, in op after op, each from
// where the last one ended, at one node after the other; the closing phase lets each come to the
// end. The keys stay in use all the time, and every value is written once, so that a change names
// its write. One who is told that what it asks for is not kept any more reads, and goes on.
#pragma once

#include <cstdint>
#include <optional>
#include <set>

#include "workloads/generator.hpp"
#include "workloads/register.hpp"

namespace ww::workloads {

inline constexpr std::uint32_t kWatchedKeys = 3;
/// With fewer workers nobody watches.
inline constexpr std::uint32_t kLeastWatchWorkers = 2;

class WatchGenerator final : public Generator {
 public:
  /// Of the options, the seed and log_read_percent count.
  explicit WatchGenerator(const RegisterOptions& options);

  Call next(std::uint32_t worker, std::uint64_t ordinal) override;
  Call closing_write(std::uint32_t worker, std::uint64_t ordinal, std::uint64_t key) override;
  void on_completion(const Op& op) override;
  [[nodiscard]] std::optional<std::uint64_t> watched_key(std::uint32_t worker) const override;

 private:
  RegisterGenerator writers_;
  std::set<std::int64_t> readers_;  // processes that are to read before they watch again
};

}  // namespace ww::workloads
