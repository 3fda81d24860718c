#include "reports/bench_plot.hpp"

#include <algorithm>
#include <cmath>

#include "reports/format.hpp"
#include "reports/markup.hpp"

namespace ww::reports {

namespace {

constexpr double kPlotWidth = 1180;

std::string words(double x, double y, const std::string& content, const std::string& attributes) {
  return "<text x=\"" + px(x) + "\" y=\"" + px(y) + "\"" + attributes + ">" +
         escape_markup(content) + "</text>\n";
}

std::string line(const char* kind, double x1, double y1, double x2, double y2) {
  return std::string("<line class=\"") + kind + "\" x1=\"" + px(x1) + "\" y1=\"" + px(y1) +
         "\" x2=\"" + px(x2) + "\" y2=\"" + px(y2) + "\"/>\n";
}

std::string frame(const std::string& label, double height, const std::string& content) {
  return "<svg class=\"plot\" role=\"img\" aria-label=\"" + label + "\" viewBox=\"0 0 " +
         px(kPlotWidth) + " " + px(height) + "\">\n" + content + "</svg>\n";
}

/// 1, 2 or 5 times a power of ten, so that about five steps make `high`.
double nice_step(double high) {
  const double decade = std::pow(10, std::floor(std::log10(high / 5)));
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * decade * 5 >= high) return factor * decade;
  }
  return 10 * decade;
}

std::string count_text(double n) {
  return n < 10 ? number_text(n) : digits(static_cast<std::uint64_t>(std::llround(n)));
}

std::string shown_label(const BenchVariant& v) {
  return v.label + (v.again ? " again" : "");
}

bool belongs(const BenchRound& round, const BenchVariant& variant) {
  return round.label == variant.label && round.again == variant.again;
}

/// Where the phases of a variant's rounds were, on average.
template <class XOf>
std::string fault_shades(const BenchReport& report, const BenchVariant& variant, XOf x_of,
                         double top, double height) {
  double injected = 0;
  double healed = 0;
  double end = 0;
  double rounds = 0;
  for (const BenchRound& r : report.rounds) {
    if (!belongs(r, variant) || !r.fault) continue;
    injected += r.fault->injected_at;
    healed += r.fault->healed_at;
    end += r.fault->healed_at + r.fault->phases[2].seconds;
    ++rounds;
  }
  if (rounds == 0 || !report.faults) return "";
  const auto shade = [&](const char* kind, const std::string& name, double from, double to) {
    const double x = x_of(from / rounds);
    return std::string("<rect class=\"") + kind + "\" x=\"" + px(x) + "\" y=\"" + px(top) +
           "\" width=\"" + px(x_of(to / rounds) - x) + "\" height=\"" + px(height) + "\"><title>" +
           name + "</title></rect>\n" + words(x + 4, top - 4, name, " class=\"phase\"");
  };
  return shade("faulty", report.faults->kind, injected, healed) +
         shade("recovery", "recovery", healed, end);
}

}  // namespace

std::string variant_class(std::size_t variant) {
  return "v" + std::to_string(std::min<std::size_t>(variant, 12));
}

std::string throughput_svg(const BenchReport& report) {
  constexpr double kLabels = 250;
  constexpr double kRight = 40;
  constexpr double kRow = 44;
  constexpr double kTop = 8;
  double high = 1;
  for (const BenchVariant& v : report.variants) {
    high = std::max(high, v.throughput.high);
    if (v.target) high = std::max(high, v.target->least);
    if (v.target && v.target->alone) high = std::max(high, v.target->alone->least);
  }
  for (const BenchRound& r : report.rounds) high = std::max(high, r.throughput);
  high *= 1.04;
  const auto x_of = [high](double value) {
    return kLabels + value / high * (kPlotWidth - kLabels - kRight);
  };
  const double bottom = kTop + kRow * static_cast<double>(report.variants.size());
  std::string out;
  const double step = nice_step(high);
  for (double n = 0; n <= high; n += step) {
    out += line("grid", x_of(n), kTop, x_of(n), bottom);
    out += words(x_of(n), bottom + 17, count_text(n), " text-anchor=\"middle\"");
  }
  out += words(0, bottom + 17, report.unit, "");
  for (std::size_t i = 0; i < report.variants.size(); ++i) {
    const BenchVariant& v = report.variants[i];
    const double y = kTop + kRow * (static_cast<double>(i) + 0.5);
    out += "<g class=\"" + variant_class(v.again ? 12 : i) + "\">\n";
    out += words(0, y + 4, shown_label(v), " class=\"of\"");
    out += line("between", x_of(v.throughput.low), y, x_of(v.throughput.high), y);
    for (const BenchRound& r : report.rounds) {
      if (!belongs(r, v)) continue;
      out += "<circle class=\"dot\" cx=\"" + px(x_of(r.throughput)) + "\" cy=\"" + px(y) +
             "\" r=\"4.5\"><title>block " + std::to_string(r.block + 1) + ": " +
             count_text(r.throughput) + " " + report.unit + "</title></circle>\n";
    }
    out += line("mean", x_of(v.throughput.value), y - 12, x_of(v.throughput.value), y + 12);
    if (v.target) {
      out += line("least", x_of(v.target->least), y - 18, x_of(v.target->least), y + 18);
    }
    if (v.target && v.target->alone) {
      const double x = x_of(v.target->alone->least);
      out += line("least alone", x, y - 18, x, y + 18);
    }
    out += "</g>\n";
  }
  out += line("axis", kLabels, bottom, kPlotWidth - kRight, bottom);
  return frame("throughput of each variant", bottom + 26, out);
}

std::string latency_svg(const BenchReport& report) {
  constexpr double kLeft = 74;
  constexpr double kRight = 40;
  constexpr double kTop = 10;
  constexpr double kHeight = 300;
  constexpr double kNines = 4;  // up to the 99.99th percentile
  double low = 1e18;
  double high = 0;
  for (const BenchVariant& v : report.variants) {
    if (v.latency.count() == 0) continue;
    low = std::min(low, static_cast<double>(
                            std::max<std::int64_t>(to_ns(v.latency.buckets().front().high), 1)));
    high = std::max(high, static_cast<double>(to_ns(v.latency.quantile(0.9999))));
  }
  if (high == 0) return "";
  const double from = std::floor(std::log10(low) * 3) / 3;
  const double to = std::max(std::ceil(std::log10(high) * 3) / 3, from + 1);
  const auto y_of = [&](double ns) {
    return kTop + kHeight - (std::log10(ns) - from) / (to - from) * kHeight;
  };
  const auto x_of = [&](double share_above) {
    const double nines = std::min(-std::log10(share_above), kNines);
    return kLeft + nines / kNines * (kPlotWidth - kLeft - kRight);
  };
  std::string out;
  for (int power = 2; power <= 11; ++power) {
    for (const double factor : {1.0, 2.0, 5.0}) {
      const double ns = factor * std::pow(10, power);
      if (std::log10(ns) < from - 1e-9 || std::log10(ns) > to + 1e-9) continue;
      out += line("grid", kLeft, y_of(ns), kPlotWidth - kRight, y_of(ns));
      out +=
          words(kLeft - 8, y_of(ns) + 4, micro_sign(duration_text(static_cast<std::int64_t>(ns))),
                " text-anchor=\"end\"");
    }
  }
  const std::pair<double, const char*> marks[] = {
      {1, "p0"}, {0.5, "p50"}, {0.1, "p90"}, {0.01, "p99"}, {0.001, "p99.9"}, {0.0001, "p99.99"}};
  for (const auto& [above, name] : marks) {
    out += line("grid", x_of(above), kTop, x_of(above), kTop + kHeight);
    out += words(x_of(above), kTop + kHeight + 17, name, " text-anchor=\"middle\"");
  }
  for (std::size_t i = 0; i < report.variants.size(); ++i) {
    const BenchVariant& v = report.variants[i];
    std::string points;
    std::uint64_t seen = 0;
    for (const Histogram::Bucket& bucket : v.latency.buckets()) {
      const double above = 1 - static_cast<double>(seen) / static_cast<double>(v.latency.count());
      if (-std::log10(above) > kNines) break;
      points += px(x_of(above)) + "," +
                px(y_of(static_cast<double>(std::max<std::int64_t>(to_ns(bucket.high), 1)))) + " ";
      seen += bucket.count;
    }
    out += "<polyline class=\"curve" + std::string(v.again ? " again " : " ") +
           variant_class(v.again ? 12 : i) + "\" points=\"" + points + "\"/>\n";
  }
  out += line("axis", kLeft, kTop + kHeight, kPlotWidth - kRight, kTop + kHeight);
  return frame("latency by percentile", kTop + kHeight + 26, out);
}

std::string time_svg(const BenchReport& report) {
  constexpr double kLeft = 74;
  constexpr double kRight = 40;
  constexpr double kPanel = 110;
  constexpr double kGap = 44;
  std::string out;
  double top = 24;
  for (std::size_t i = 0; i < report.variants.size(); ++i) {
    const BenchVariant& v = report.variants[i];
    double most = 1;
    double length = 0.1;
    double warm = 0;
    for (const BenchRound& r : report.rounds) {
      if (!belongs(r, v)) continue;
      length = std::max(length, r.warm_up + r.seconds);
      if (r.fault) length = std::max(length, r.fault->healed_at + r.fault->phases[2].seconds);
      warm = std::max(warm, r.warm_up);
      for (const std::uint64_t n : r.slices) most = std::max(most, static_cast<double>(n) * 10);
    }
    most *= 1.05;
    const double base = top + kPanel;
    const auto x_of = [&](double s) { return kLeft + s / length * (kPlotWidth - kLeft - kRight); };
    const auto y_of = [&](double n) { return base - n / most * kPanel; };
    out += "<rect class=\"warm\" x=\"" + px(kLeft) + "\" y=\"" + px(top) + "\" width=\"" +
           px(x_of(warm) - kLeft) + "\" height=\"" + px(kPanel) +
           "\"><title>warm-up</title></rect>\n";
    out += fault_shades(report, v, x_of, top, kPanel);
    out += words(0, top - 10, shown_label(v) + ", " + report.unit, " class=\"name\"");
    const double step = nice_step(most) * 2;
    for (double n = 0; n <= most; n += step) {
      out += line("grid", kLeft, y_of(n), kPlotWidth - kRight, y_of(n));
      out += words(kLeft - 8, y_of(n) + 4, count_text(n), " text-anchor=\"end\"");
    }
    out += "<g class=\"" + variant_class(v.again ? 12 : i) + "\">\n";
    for (const BenchRound& r : report.rounds) {
      if (!belongs(r, v)) continue;
      std::string points;
      for (std::size_t s = 0; s < r.slices.size(); ++s) {
        const double at = (static_cast<double>(s) + 0.5) / 10;
        if (at > length) break;
        points += px(x_of(at)) + "," + px(y_of(static_cast<double>(r.slices[s]) * 10)) + " ";
      }
      out += "<polyline class=\"thin\" points=\"" + points + "\"/>\n";
    }
    out += "</g>\n" + line("axis", kLeft, base, kPlotWidth - kRight, base);
    const double second = nice_step(length);
    for (double s = 0; s <= length + 1e-9; s += second) {
      out += words(x_of(s), base + 16, number_text(s) + " s", " text-anchor=\"middle\"");
    }
    top = base + kGap;
  }
  return frame("throughput over time", top - kGap + 24, out);
}

}  // namespace ww::reports
