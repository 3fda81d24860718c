// What one variant of a benchmark is: every dimension that can be varied, by name.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "base/wire/kv.hpp"

namespace ww::bench {

/// How a read is made linearizable.
enum class Reads : std::uint8_t { kIndex, kLog, kLease };
std::string_view name_of(Reads reads);

struct Settings {
  bool batching = true;
  bool pipelining = true;
  bool preallocate = true;
  bool fsync = true;
  Duration fsync_floor{};  // 0: the disk as it is
  Reads reads = Reads::kIndex;
  std::uint32_t read_share = 0;  // per cent of the operations
  bool tracing = false;
  bool journal = false;
  bool checks = false;  // feeds the invariants, and so traces
  std::uint32_t clients = 64;
  std::uint32_t value_size = 100;
  std::uint32_t nodes = 3;
  std::uint32_t rate = 0;  // ops/s in all; 0: a closed loop
  friend bool operator==(const Settings&, const Settings&) = default;
};

/// One thing that may be varied.
struct Dimension {
  const char* name;
  const char* help;    // what it is
  const char* values;  // what it may be: "on or off"
  Result<void> (*set)(Settings&, const std::string& text);
  std::string (*get)(const Settings&);
};

/// In the order of the help.
const std::vector<Dimension>& dimensions();

/// Sets the dimension `name`. Errors: kUsage naming it, with a suggestion where one is near.
Result<void> set(Settings& settings, const std::string& name, const std::string& value);

/// Whether a cluster can be driven so. Errors: kUsage.
Result<void> validate(const Settings& settings);

struct Variant {
  std::string label;  // "batching=on", "batching=on clients=64"; "as given" when nothing varies
  Settings settings;
};

/// Every combination of what `vary` ("batching=on,off", ...) lists, in its order, on top of `base`.
/// Errors: kUsage: an unknown name or value, one varied twice, a single value, too many variants,
///         or a variation that changes nothing about the load.
Result<std::vector<Variant>> variants_of(const Settings& base,
                                         const std::vector<std::string>& vary);

inline constexpr std::size_t kMaxVariants = 12;

}  // namespace ww::bench
