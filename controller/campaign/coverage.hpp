// Which abstract cluster states a campaign has seen, and by which seed each was seen first.
//
// Up to kMaxSampled states the set is exact. Beyond, it is an adaptive sample (Wegman's; Flajolet
// 1990, "On adaptive sampling"): of level k are the states whose mixed hash ends in k zeros, about
// one in 2^k, and the level is the lowest at which the sample fits. Whether a state belongs to a
// level is a property of the state alone, and each keeps the lowest of its seeds. So the union of
// two sets is the same whatever was added to which, when, and how often.
#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "base/result.hpp"

namespace ww::campaign {

class Coverage {
 public:
  /// The standard error of an estimate from this many is half of a per cent.
  static constexpr std::size_t kMaxSampled = std::size_t{1} << 16;
  static constexpr std::uint32_t kMaxLevel = 63;

  Coverage() = default;
  /// Errors: kCorrupt when the sample is not what that level holds.
  static Result<Coverage> from(std::uint32_t level, std::map<std::uint64_t, std::uint64_t> sample);

  void add(std::span<const std::uint64_t> states, std::uint64_t seed);
  void merge(const Coverage& other);

  [[nodiscard]] bool exact() const { return level_ == 0; }
  [[nodiscard]] std::uint32_t level() const { return level_; }
  /// How many states there were; an estimate unless exact().
  [[nodiscard]] std::uint64_t states() const { return std::uint64_t{sample_.size()} << level_; }
  /// State -> its lowest seed.
  [[nodiscard]] const std::map<std::uint64_t, std::uint64_t>& sample() const { return sample_; }
  friend bool operator==(const Coverage&, const Coverage&) = default;

 private:
  void add(std::uint64_t state, std::uint64_t seed);
  void thin_out();

  std::uint32_t level_ = 0;
  std::map<std::uint64_t, std::uint64_t> sample_;
};

/// The states that a block of consecutive seeds saw first.
struct NewStates {
  std::uint64_t first_seed = 0;
  std::uint64_t seeds = 0;
  std::uint64_t states = 0;
  friend bool operator==(const NewStates&, const NewStates&) = default;
};

/// As many as a plot shows well.
inline constexpr std::size_t kMaxBlocks = 60;

/// The seeds, cut into at most `max_blocks` blocks of equally many (a round number; the last takes
/// the rest), each with its new states.
/// Requires: `seeds` ascending, `max_blocks` above 1.
std::vector<NewStates> new_states(const Coverage& coverage, std::span<const std::uint64_t> seeds,
                                  std::size_t max_blocks);

}  // namespace ww::campaign
