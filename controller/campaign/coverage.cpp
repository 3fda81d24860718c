#include "controller/campaign/coverage.hpp"

#include <algorithm>

#include "base/hash.hpp"

namespace ww::campaign {

namespace {

bool in_level(std::uint64_t state, std::uint32_t level) {
  return (mix64(state) & ((std::uint64_t{1} << level) - 1)) == 0;
}

/// The lowest of 1, 2, 5, 10, 20, ... that cuts `total` into at most `blocks`.
std::size_t round_width(std::size_t total, std::size_t blocks) {
  for (std::size_t decade = 1;; decade *= 10) {
    for (const std::size_t step : {decade, 2 * decade, 5 * decade}) {
      if (step * blocks >= total) return step;
    }
  }
}

}  // namespace

Result<Coverage> Coverage::from(std::uint32_t level,
                                std::map<std::uint64_t, std::uint64_t> sample) {
  const bool all_in = level <= kMaxLevel && sample.size() <= kMaxSampled &&
                      std::all_of(sample.begin(), sample.end(),
                                  [&](const auto& item) { return in_level(item.first, level); });
  if (!all_in) {
    return Error{ErrorCode::kCorrupt, true, "the states are not a sample of that level"};
  }
  Coverage out;
  out.level_ = level;
  out.sample_ = std::move(sample);
  return out;
}

void Coverage::add(std::uint64_t state, std::uint64_t seed) {
  if (!in_level(state, level_)) return;
  const auto [at, fresh] = sample_.emplace(state, seed);
  if (!fresh) {
    at->second = std::min(at->second, seed);
  } else {
    thin_out();
  }
}

void Coverage::thin_out() {
  while (sample_.size() > kMaxSampled && level_ < kMaxLevel) {
    ++level_;
    std::erase_if(sample_, [this](const auto& item) { return !in_level(item.first, level_); });
  }
}

void Coverage::add(std::span<const std::uint64_t> states, std::uint64_t seed) {
  for (const std::uint64_t state : states) add(state, seed);
}

void Coverage::merge(const Coverage& other) {
  if (other.level_ > level_) {
    level_ = other.level_;
    std::erase_if(sample_, [this](const auto& item) { return !in_level(item.first, level_); });
  }
  for (const auto& [state, seed] : other.sample_) add(state, seed);
}

std::vector<NewStates> new_states(const Coverage& coverage, std::span<const std::uint64_t> seeds,
                                  std::size_t max_blocks) {
  std::vector<NewStates> out;
  if (seeds.empty()) return out;
  const std::size_t width = round_width(seeds.size(), max_blocks);
  for (std::size_t at = 0; at < seeds.size(); at += width) {
    out.push_back({seeds[at], std::min(width, seeds.size() - at), 0});
  }
  // A short rest would be mostly noise beside the others.
  if (out.size() > 1 && out.back().seeds * 2 < width) {
    out[out.size() - 2].seeds += out.back().seeds;
    out.pop_back();
  }
  for (const auto& [state, seed] : coverage.sample()) {
    auto block =
        std::upper_bound(out.begin(), out.end(), seed,
                         [](std::uint64_t s, const NewStates& b) { return s < b.first_seed; });
    if (block != out.begin()) --block;
    block->states += std::uint64_t{1} << coverage.level();
  }
  return out;
}

}  // namespace ww::campaign
