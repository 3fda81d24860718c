// The table of fault kinds: what `whitewater list`, the plans and the reports know about each.
//
// A kind is one file pair (faults/kill.cpp, ...) that exports its row, and one line in
// registry.cpp.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "faults/plan.hpp"

namespace ww::faults {

class Fault;
struct Ports;

/// A number that a shape takes.
struct ParamInfo {
  std::string_view name;  // with its unit last: "delay_ms"
  std::string_view help;
  std::int64_t low = 0;  // what a plan may say
  std::int64_t high = 0;
  std::int64_t draw_low = 0;  // what the schedule draws, log-uniformly; 0 to 0: the default
  std::int64_t draw_high = 0;
  bool either_sign = false;  // a drawn value is negated half of the time
  std::int64_t fallback = 0;
};

struct ShapeInfo {
  std::string_view name;
  std::string_view help;
  std::uint32_t weight = 1;     // cards of this shape in the deck
  std::uint32_t min_nodes = 1;  // makes no sense in a smaller cluster
  std::vector<ParamInfo> params = {};
  bool one_type = false;     // of a kind that takes types: dealt for messages of a single type
  bool needs_spare = false;  // dealt only where some node is not among the first voters
  bool needs_doubt = false;  // dealt only to nodes that know what to make of files that are gone
};

struct TargetInfo {
  Target target = Target::kOne;
  std::uint32_t weight = 1;
};

struct KindInfo {
  std::string_view name;
  std::string_view summary;
  std::string_view heal;      // what undoes it
  std::string_view evidence;  // what must be seen for it to count as effective
  std::string_view verbs;     // what it asks of a world
  std::string_view color;     // of its bands on the plots, "#rrggbb"
  std::uint32_t min_nodes = 1;
  std::uint32_t cards = 1;  // in the deck of kinds: what deposes leaders is dealt more often
  Duration shortest{};      // drawn durations, log-uniform
  Duration longest{};
  std::vector<TargetInfo> targets;  // empty: the shape says whom
  std::vector<ShapeInfo> shapes;    // a kind without shapes has one, without name
  bool takes_types = false;         // may be limited to message types
  bool kills = false;               // processes end by it, within a step if a trigger says so
  std::unique_ptr<Fault> (*make)(const FaultSpec& spec, Ports& ports) = nullptr;
};

/// All kinds, in the order of the documentation.
std::span<const KindInfo> registry();

/// The row of that name, or nullptr.
const KindInfo* find_kind(std::string_view name);
const ShapeInfo* find_shape(const KindInfo& kind, std::string_view name);
const ParamInfo* find_param(const ShapeInfo& shape, std::string_view name);

/// " (did you mean partition?)" for the nearest of `names`, when at least half of it is right; or
/// "".
std::string suggestion(std::string_view word, std::span<const std::string_view> names);

/// Checks that every row is whole: names, heal, evidence, verbs, factory, sane bounds. The
/// registry's own test, and the guard for a new row.
Result<void> check_registry(std::span<const KindInfo> kinds);

}  // namespace ww::faults
