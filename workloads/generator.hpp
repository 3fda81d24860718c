// What a workload decides: which calls the clients make.
#pragma once

#include <cstdint>
#include <optional>

#include "base/op.hpp"
#include "base/wire/kv.hpp"

namespace ww::workloads {

/// One call of a client: the invocation's half of an Op.
struct Call {
  Func f = Func::kRead;
  std::uint64_t key = 0;
  Value value;  // write, cas; a watch: the revision that it is to come to, or nil
  Value to;     // cas only
  wire::ReadMode read_mode = wire::ReadMode::kIndex;
  friend bool operator==(const Call&, const Call&) = default;
};

/// Chooses calls. What a call is depends on the seed, the worker and the worker's ordinal, and
/// otherwise only on what next() and on_completion() have told it about keys: no call draws from a
/// stream that another call draws from, so that removing one leaves the others as they were.
class Generator {
 public:
  Generator() = default;
  Generator(const Generator&) = delete;
  Generator& operator=(const Generator&) = delete;
  virtual ~Generator() = default;

  /// The worker's call number `ordinal`, counted from 0. REQUIRES: ordinal < 2^32, worker < 2^31
  /// - 1.
  virtual Call next(std::uint32_t worker, std::uint64_t ordinal) = 0;
  /// A write of `key` for the closing phase, in the place of the worker's call number `ordinal`.
  virtual Call closing_write(std::uint32_t worker, std::uint64_t ordinal, std::uint64_t key) = 0;
  /// The key that this worker watches, or kEveryKey; nothing: it is none that watches. One that
  /// does makes its calls without a pace, each when the last has ended.
  [[nodiscard]] virtual std::optional<std::uint64_t> watched_key(std::uint32_t /*worker*/) const {
    return std::nullopt;
  }
  /// An op ended: ok, fail or info.
  virtual void on_completion(const Op& op) = 0;
};

}  // namespace ww::workloads
