#include "reports/campaign_plot.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "reports/format.hpp"
#include "reports/markup.hpp"

namespace ww::reports {

namespace {

constexpr double kWidth = 1180;
constexpr double kLeft = 74;
constexpr double kRight = 8;
constexpr double kTitle = 24;  // above each panel
constexpr double kRates = 190;
constexpr double kSums = 120;
constexpr double kGap = 46;  // below the upper panel: its axis and the title of the lower one
constexpr double kBottom = 30;

double rate_of(const CoverageBlock& block) {
  return static_cast<double>(block.states) * 1000 / static_cast<double>(block.seeds);
}

std::string text(double x, double y, const std::string& content, const std::string& attributes) {
  return "<text x=\"" + px(x) + "\" y=\"" + px(y) + "\"" + attributes + ">" + content + "</text>\n";
}

std::string horizontal(const char* kind, double y) {
  return std::string("<line class=\"") + kind + "\" x1=\"" + px(kLeft) + "\" x2=\"" +
         px(kWidth - kRight) + "\" y1=\"" + px(y) + "\" y2=\"" + px(y) + "\"/>\n";
}

/// Blocks side by side, each as wide as its seeds are many.
class SeedAxis {
 public:
  explicit SeedAxis(std::span<const CoverageBlock> blocks) : blocks_(blocks) {
    edges_.push_back(0);
    for (const CoverageBlock& block : blocks) edges_.push_back(edges_.back() + block.seeds);
  }
  [[nodiscard]] double left(std::size_t block) const {
    const double share = static_cast<double>(edges_[block]) / static_cast<double>(edges_.back());
    return kLeft + share * (kWidth - kLeft - kRight);
  }
  [[nodiscard]] double right(std::size_t block) const { return left(block + 1); }
  [[nodiscard]] std::string labels(double y) const {
    std::string out;
    double free_from = 0;
    for (std::size_t i = 0; i < blocks_.size(); ++i) {
      const std::string label = digits(blocks_[i].first_seed);
      if (left(i) < free_from || left(i) > kWidth - 60) continue;
      out += text(left(i), y, label, "");
      free_from = left(i) + 110;
    }
    return out;
  }

 private:
  std::span<const CoverageBlock> blocks_;
  std::vector<std::uint64_t> edges_;
};

std::string tooltip(const CoverageBlock& block) {
  return "<title>" + plural(block.seeds, "seed", "seeds") + " from " + digits(block.first_seed) +
         ": " + plural(block.states, "new state", "new states") + ", " +
         digits(static_cast<std::uint64_t>(std::llround(rate_of(block)))) + " per thousand</title>";
}

std::string rates_panel(std::span<const CoverageBlock> blocks, const SeedAxis& axis) {
  double high = 10;
  double low = 1e18;
  for (const CoverageBlock& block : blocks) {
    if (block.states == 0) continue;
    high = std::max(high, rate_of(block));
    low = std::min(low, rate_of(block));
  }
  const int bottom = static_cast<int>(std::floor(std::log10(std::min(low, high))));
  const int top = std::max(bottom + 1, static_cast<int>(std::ceil(std::log10(high))));
  const double base = kTitle + kRates;
  // The lowest decade begins a little above the axis, so that a bar of its lowest rate is seen.
  const auto y_of = [&](double rate) {
    const double share = (std::log10(rate) - bottom + 0.15) / (top - bottom + 0.15);
    return base - share * kRates;
  };
  std::string out = text(0, 12, "new abstract states per 1000 seeds", " class=\"name\"");
  for (int power = bottom; power <= top; ++power) {
    const double rate = std::pow(10, power);
    out += horizontal("grid", y_of(rate));
    out += text(kLeft - 8, y_of(rate) + 4,
                power < 0 ? number_text(rate) : digits(static_cast<std::uint64_t>(rate + 0.5)),
                " text-anchor=\"end\"");
  }
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const bool none = blocks[i].states == 0;
    const double y = none ? base - 2 : y_of(rate_of(blocks[i]));
    const double gap = std::min(2.0, (axis.right(i) - axis.left(i)) / 4);
    out += std::string("<rect class=\"") + (none ? "none" : "bar") + "\" x=\"" + px(axis.left(i)) +
           "\" y=\"" + px(y) + "\" width=\"" + px(axis.right(i) - axis.left(i) - gap) +
           "\" height=\"" + px(base - y) + "\">" + tooltip(blocks[i]) + "</rect>\n";
  }
  return out + horizontal("axis", base);
}

/// 1, 2 or 5 times a power of ten, so that about four steps make `high`.
std::uint64_t round_step(std::uint64_t high) {
  for (std::uint64_t decade = 1;; decade *= 10) {
    for (const std::uint64_t step : {decade, 2 * decade, 5 * decade}) {
      if (step * 4 >= high) return step;
    }
  }
}

std::string sums_panel(std::span<const CoverageBlock> blocks, const SeedAxis& axis, double top) {
  std::uint64_t all = 0;
  for (const CoverageBlock& block : blocks) all += block.states;
  const double base = top + kTitle + kSums;
  const auto y_of = [&](std::uint64_t states) {
    const double share = static_cast<double>(states) / static_cast<double>(std::max(all, 1UL));
    return base - share * kSums;
  };
  std::string out = text(0, top + 12, "abstract states seen so far", " class=\"name\"");
  const std::uint64_t step = round_step(std::max<std::uint64_t>(all, 4));
  for (std::uint64_t n = 0; n <= all; n += step) {
    out += horizontal("grid", y_of(n));
    out += text(kLeft - 8, y_of(n) + 4, digits(n), " text-anchor=\"end\"");
  }
  std::string line = px(kLeft) + "," + px(base);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    sum += blocks[i].states;
    line += " " + px(axis.right(i)) + "," + px(y_of(sum));
  }
  out += "<polygon class=\"under\" points=\"" + line + " " + px(kWidth - kRight) + "," + px(base) +
         "\"/>\n<polyline class=\"sum\" points=\"" + line + "\"/>\n";
  out += horizontal("axis", base) + axis.labels(base + 17);
  return out + text(kWidth - kRight, base + 17, "seed", " text-anchor=\"end\"");
}

}  // namespace

double late_share(std::span<const CoverageBlock> blocks) {
  std::uint64_t all = 0;
  std::uint64_t late = 0;
  const std::size_t from = blocks.size() - blocks.size() / 4;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    all += blocks[i].states;
    if (i >= from) late += blocks[i].states;
  }
  return all == 0 ? 0 : 100 * static_cast<double>(late) / static_cast<double>(all);
}

std::string coverage_svg(std::span<const CoverageBlock> blocks) {
  const SeedAxis axis(blocks);
  const double lower = kTitle + kRates + kGap - kTitle;
  const double height = lower + kTitle + kSums + kBottom;
  return "<svg class=\"plot\" role=\"img\" aria-label=\"new abstract states over the seeds\" "
         "viewBox=\"0 0 " +
         px(kWidth) + " " + px(height) + "\">\n" + rates_panel(blocks, axis) +
         sums_panel(blocks, axis, lower) + "</svg>\n";
}

}  // namespace ww::reports
