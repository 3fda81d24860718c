#include "reports/causality_section.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "reports/format.hpp"
#include "reports/markup.hpp"

namespace ww::reports {

namespace {

constexpr double kWidth = 1000;
constexpr double kLeft = 48;
constexpr double kTop = 12;
constexpr double kPlotHeight = 170;
constexpr double kRight = 24;
constexpr double kLane = 17;
constexpr std::size_t kMostLanes = 14;

double share_of(const DoomPoint& point) {
  return point.runs == 0 ? 0 : static_cast<double>(point.failed) / static_cast<double>(point.runs);
}

std::string percent(double share) {
  return std::to_string(std::lround(share * 100)) + " %";
}

/// The axes: times of the run from the first point to a little behind the violation.
struct Axes {
  std::int64_t from = 0;
  std::int64_t to = 1;
  [[nodiscard]] double x(std::int64_t time) const {
    const double share = static_cast<double>(time - from) / static_cast<double>(to - from);
    return kLeft + std::clamp(share, 0.0, 1.0) * (kWidth - kLeft - kRight);
  }
  [[nodiscard]] static double y(double share) { return kTop + (1 - share) * kPlotHeight; }
};

Axes axes_of(const Causality& causality) {
  Axes axes;
  axes.from = causality.points.front().time;
  const std::int64_t last = std::max(causality.violation, causality.points.back().time);
  axes.to = last + std::max<std::int64_t>((last - axes.from) / 40, 1);
  return axes;
}

std::string line(const char* type, double x1, double y1, double x2, double y2) {
  return "<line class=\"" + std::string(type) + "\" x1=\"" + px(x1) + "\" y1=\"" + px(y1) +
         "\" x2=\"" + px(x2) + "\" y2=\"" + px(y2) + "\"/>\n";
}

std::string band(const char* type, double x1, double x2, double y, double height,
                 const std::string& title = "") {
  return "<rect class=\"" + std::string(type) + "\" x=\"" + px(x1) + "\" y=\"" + px(y) +
         "\" width=\"" + px(std::max(x2 - x1, 1.0)) + "\" height=\"" + px(height) + "\">" +
         (title.empty() ? "" : "<title>" + escape_markup(title) + "</title>") + "</rect>\n";
}

std::string label(const char* anchor, double x, double y, const std::string& text,
                  const char* type = "") {
  return "<text class=\"" + std::string(type) + "\" text-anchor=\"" + anchor + "\" x=\"" + px(x) +
         "\" y=\"" + px(y) + "\">" + escape_markup(text) + "</text>\n";
}

std::string backdrop(const Causality& causality, const Axes& axes) {
  std::string out;
  if (causality.doomed_from) {
    const double doomed = axes.x(*causality.doomed_from);
    out += band("doomed", doomed, kWidth - kRight, kTop, kPlotHeight);
    if (causality.open_until) {
      out += band("between", axes.x(*causality.open_until), doomed, kTop, kPlotHeight);
    }
  }
  for (const double share : {0.0, 0.25, 0.5, 0.75, 1.0}) {
    out += line("grid", kLeft, Axes::y(share), kWidth - kRight, Axes::y(share));
    out += label("end", kLeft - 6, Axes::y(share) + 4, percent(share));
  }
  return out;
}

std::string curve(const Causality& causality, const Axes& axes) {
  std::string upper;
  std::string lower;
  std::string shares;
  std::string points;
  for (const DoomPoint& p : causality.points) {
    const std::string x = px(axes.x(p.time));
    upper += x + "," + px(Axes::y(p.high)) + " ";
    lower = x + "," + px(Axes::y(p.low)) + " " + lower;
    shares += x + "," + px(Axes::y(share_of(p))) + " ";
    points += "<circle class=\"point\" cx=\"" + x + "\" cy=\"" + px(Axes::y(share_of(p))) +
              "\" r=\"3\"><title>redrawn after " + time_text(p.time) + ": " +
              std::to_string(p.failed) + " of " + std::to_string(p.runs) + " failed (" +
              percent(p.low) + " to " + percent(p.high) + ")</title></circle>\n";
  }
  return "<polygon class=\"interval\" points=\"" + upper + lower + "\"/>\n" +
         "<polyline class=\"share\" points=\"" + shares + "\"/>\n" + points;
}

/// The faults that touch the axis' time, a lane each.
std::string lanes(const std::vector<const FaultRow*>& faults, const Axes& axes, double top) {
  std::string out;
  for (const FaultRow* fault : faults) {
    const double from = axes.x(*fault->injected_at);
    const double to = axes.x(fault->healed_at.value_or(axes.to));
    out += band(fault->effective ? "bar" : "bar idle", from, to, top + 2, kLane - 4,
                fault->description);
    const std::string what = fault->description.substr(0, fault->description.find(" for "));
    const bool fits_right = from + 7.0 * static_cast<double>(what.size()) < kWidth - kRight;
    out += fits_right ? label("start", from + 5, top + kLane - 5, what, "caption")
                      : label("end", from - 5, top + kLane - 5, what, "caption");
    top += kLane;
  }
  return out;
}

std::vector<const FaultRow*> faults_within(const RunReport& report, const Axes& axes) {
  std::vector<const FaultRow*> out;
  for (const FaultRow& fault : report.faults) {
    if (!fault.injected_at || *fault.injected_at > axes.to) continue;
    if (fault.healed_at && *fault.healed_at < axes.from) continue;
    out.push_back(&fault);
  }
  // The last ones are the nearest to the violation.
  if (out.size() > kMostLanes) {
    out.erase(out.begin(), out.end() - static_cast<std::ptrdiff_t>(kMostLanes));
  }
  return out;
}

std::string plot(const RunReport& report) {
  const Causality& causality = *report.causality;
  const Axes axes = axes_of(causality);
  const std::vector<const FaultRow*> faults = faults_within(report, axes);
  const double bottom = kTop + kPlotHeight;
  const double ticks = bottom + 15;
  const double first_lane = ticks + 10;
  const double height = first_lane + kLane * static_cast<double>(faults.size()) + 4;
  std::string out =
      "<svg class=\"doom\" role=\"img\" aria-label=\"share of redrawn futures that fail, over "
      "time\" viewBox=\"0 0 " +
      px(kWidth) + " " + px(height) + "\" width=\"100%\">\n";
  out += backdrop(causality, axes) + curve(causality, axes);
  const double violation = axes.x(causality.violation);
  out += line("violation-mark", violation, kTop, violation, bottom);
  out += label("end", kWidth - kRight, ticks, "violation " + time_text(causality.violation),
               "violation-text");
  constexpr int kTicks = 5;
  for (int i = 0; i < kTicks; ++i) {
    const std::int64_t time = axes.from + (causality.violation - axes.from) * i / kTicks;
    out += label(i == 0 ? "start" : "middle", axes.x(time), ticks, time_text(time));
  }
  return out + lanes(faults, axes, first_lane) + "</svg>\n";
}

/// Where it climbs, in a sentence.
std::string sentence(const Causality& causality) {
  const std::string base = "Redrawn from the beginning of the torture, " +
                           percent(share_of(causality.points.front())) +
                           " of the futures broke the same property in the same way";
  if (!causality.doomed_from) {
    return base + "; no point was found from which on nine of ten did.";
  }
  if (!causality.open_until) return base + ": the run was doomed from its beginning.";
  const std::int64_t ahead = causality.violation - *causality.doomed_from;
  return base + ". The run became doomed between " + time_text(*causality.open_until) + " and " +
         time_text(*causality.doomed_from) +
         (ahead > 0 ? ", " + duration_text(ahead) + " before the violation"
                    : ", at the violation") +
         ": from then on at least nine of ten did.";
}

}  // namespace

std::string causality_section(const RunReport& report) {
  if (!report.causality || report.causality->points.empty()) return "";
  const Causality& causality = *report.causality;
  return "<section id=\"causality\">\n<h2>Where the run became doomed</h2>\n<p>" +
         escape_markup(sentence(causality)) + "</p>\n<figure><div class=\"scroll\">" +
         plot(report) +
         "</div><figcaption>The run was repeated up to a moment, and everything after it was drawn "
         "anew: latencies, elections, faults, calls. The line is the share of these futures that "
         "ended in <i>" +
         escape_markup(causality.signature) +
         "</i>; around it the 95 % interval. Below, the faults of the run as it was.</figcaption>"
         "</figure>\n</section>\n";
}

}  // namespace ww::reports
