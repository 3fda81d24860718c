// Layout: the ends of all ops, sorted, are stops on the x axis. One pass from left to right gives
// each stop the smallest x that keeps it right of the stop before (further for a longer true
// distance) and makes every op that ends there wide enough for its label.

#include "reports/witness.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <unordered_map>

#include "reports/format.hpp"

namespace ww::reports {

namespace {

constexpr int kLabelWidth = 104;
constexpr int kRowHeight = 46;
constexpr int kBarHeight = 34;
constexpr int kTop = 10;
constexpr int kOpenTail = 36;  // how far an op that never ended runs past the last stop
constexpr double kCharWidth = 7.4;
constexpr double kSmallCharWidth = 6.1;

std::string arrows(std::string text) {
  for (std::size_t at = text.find("->"); at != std::string::npos; at = text.find("->", at)) {
    text.replace(at, 2, "\xe2\x86\x92");
  }
  return text;
}

std::string position_text(const WitnessOp& op) {
  std::string out = "k" + key_text(op.invoke.key);
  if (op.done.at.index != 0) {
    out += " \xc2\xb7 index " + std::to_string(op.done.at.index) + " term " +
           std::to_string(op.done.at.term);
  } else if (op.open) {
    out += " \xc2\xb7 outcome unknown";
  } else if (op.done.type == OpType::kFail) {
    out += " \xc2\xb7 did not happen";
  }
  return out;
}

double width_needed(const WitnessOp& op) {
  const auto big = static_cast<double>(width_of(arrows(op_text(op.done))));
  const auto small = static_cast<double>(width_of(position_text(op)));
  return std::max(big * kCharWidth, small * kSmallCharWidth) + 18;
}

/// The true distance between two stops, as pixels: 14 for none, some 10 more for each power of ten.
double gap_of(std::int64_t ns) {
  return 14 + 10 * std::log10(1 + static_cast<double>(ns) / 1e4);
}

struct Layout {
  std::map<std::int64_t, double> x_of;  // stops
  std::map<std::int64_t, std::size_t> row_of;
  double right = 0;
};

Layout lay_out(const std::vector<WitnessOp>& ops) {
  Layout layout;
  std::set<std::int64_t> stops;
  for (const WitnessOp& op : ops) {
    stops.insert(op.invoke.time);
    if (!op.open) stops.insert(op.done.time);
    layout.row_of[op.invoke.process] = 0;
  }
  std::size_t row = 0;
  for (auto& [process, r] : layout.row_of) r = row++;
  double x = kLabelWidth;
  std::int64_t last = *stops.begin();
  for (const std::int64_t stop : stops) {
    x += stop == *stops.begin() ? 8 : gap_of(stop - last);
    for (const WitnessOp& op : ops) {
      if (op.open || op.done.time != stop || op.invoke.time == stop) continue;
      x = std::max(x, layout.x_of[op.invoke.time] + width_needed(op));
    }
    layout.x_of[stop] = x;
    last = stop;
  }
  layout.right = x + kOpenTail;
  for (const WitnessOp& op : ops) {
    if (op.open || op.invoke.time == op.done.time) {
      layout.right = std::max(layout.right, layout.x_of[op.invoke.time] + width_needed(op));
    }
  }
  return layout;
}

std::string px(double v) {
  return std::to_string(static_cast<std::int64_t>(std::lround(v)));
}

std::string tooltip(const WitnessOp& op) {
  std::string out = "process " + std::to_string(op.invoke.process) + ", key " +
                    key_text(op.invoke.key) + ": " + arrows(op_text(op.done)) + "\n";
  out +=
      "invoked at " + time_text(op.invoke.time) + " (line " + std::to_string(op.invoke.index) + ")";
  if (&op.invoke != &op.done && op.done.type != OpType::kInvoke) {
    out += "\n" + std::string(name_of(op.done.type)) + " at " + time_text(op.done.time) +
           " (line " + std::to_string(op.done.index) + "), after " +
           duration_text(op.done.time - op.invoke.time);
  } else {
    out += "\nnever completed";
  }
  const NodeId node = op.done.node == kNobody ? op.invoke.node : op.done.node;
  if (node != kNobody) out += "\nnode " + name_of(node);
  if (op.done.at.index != 0) {
    out += "\nlog index " + std::to_string(op.done.at.index) + ", term " +
           std::to_string(op.done.at.term);
  }
  if (!op.done.error.empty()) out += "\n" + op.done.error;
  return out;
}

std::string bar_svg(const WitnessOp& op, const Layout& layout) {
  const double x = layout.x_of.at(op.invoke.time);
  double right = op.open ? layout.right : layout.x_of.at(op.done.time);
  if (op.invoke.time == op.done.time && !op.open) right = x + width_needed(op);
  const double y = kTop + static_cast<double>(layout.row_of.at(op.invoke.process)) * kRowHeight;
  const std::string outcome = op.open ? "info" : std::string(name_of(op.done.type));
  std::string out = "<g class=\"op " + outcome + (op.shows ? " shows" : "") + "\"><title>" +
                    escape_markup(tooltip(op)) + "</title>";
  out += "<rect x=\"" + px(x) + "\" y=\"" + px(y) + "\" width=\"" + px(right - x) + "\" height=\"" +
         std::to_string(kBarHeight) + "\" rx=\"4\"/>";
  out += "<text class=\"what\" x=\"" + px(x + 8) + "\" y=\"" + px(y + 15) + "\">" +
         escape_markup(arrows(printable(op_text(op.done)))) + "</text>";
  out += "<text class=\"where\" x=\"" + px(x + 8) + "\" y=\"" + px(y + 28) + "\">" +
         escape_markup(position_text(op)) + "</text></g>\n";
  return out;
}

/// Times below the rows: the first as it is, the others as their distance from it, where they fit.
std::string ticks_svg(const Layout& layout, double bottom) {
  std::string out;
  double free_from = 0;
  const std::int64_t first = layout.x_of.begin()->first;
  for (const auto& [time, x] : layout.x_of) {
    out += "<line class=\"stop\" x1=\"" + px(x) + "\" x2=\"" + px(x) + "\" y1=\"4\" y2=\"" +
           px(bottom) + "\"/>";
    const std::string text = time == first ? time_text(time) : "+" + duration_text(time - first);
    if (x < free_from) continue;
    out += "<text class=\"tick\" x=\"" + px(x) + "\" y=\"" + px(bottom + 13) + "\">" + text +
           "</text>";
    free_from = x + static_cast<double>(text.size()) * 6.4 + 10;
  }
  return out + "\n";
}

}  // namespace

std::vector<WitnessOp> witness_ops(const Violation& violation, std::span<const Op> history,
                                   std::span<const OpPair> pairs) {
  std::unordered_map<std::uint64_t, const OpPair*> pair_of;  // by the index of either line
  for (const OpPair& pair : pairs) {
    pair_of[history[pair.invoke].index] = &pair;
    if (pair.complete != kOpen) pair_of[history[pair.complete].index] = &pair;
  }
  std::map<std::uint64_t, WitnessOp> by_invocation;
  std::map<std::int64_t, std::uint64_t> open;  // for what is not in the history
  for (const Op& op : violation.witness) {
    if (op.process == kNemesisProcess || op.f == Func::kNemesis) continue;
    WitnessOp found{op, op, true, false};
    std::uint64_t key = op.index;
    if (const auto at = pair_of.find(op.index);
        at != pair_of.end() && history[at->second->invoke].process == op.process) {
      const OpPair& pair = *at->second;
      found.invoke = history[pair.invoke];
      found.done = history[pair.complete == kOpen ? pair.invoke : pair.complete];
      key = found.invoke.index;
    } else if (op.type == OpType::kInvoke) {
      open[op.process] = key;
    } else if (const auto before = open.find(op.process); before != open.end()) {
      key = before->second;
      found.invoke = by_invocation[key].invoke;
    }
    found.open = found.done.type == OpType::kInvoke || found.done.type == OpType::kInfo;
    found.shows = !found.open && found.done.time == violation.time;
    by_invocation[key] = std::move(found);
  }
  std::vector<WitnessOp> out;
  for (auto& [key, op] : by_invocation) {
    if (out.size() == kMaxWitnessOps) break;
    out.push_back(std::move(op));
  }
  return out;
}

std::string witness_svg(const std::vector<WitnessOp>& ops) {
  if (ops.empty()) return "";
  const Layout layout = lay_out(ops);
  const double bottom = kTop + static_cast<double>(layout.row_of.size()) * kRowHeight;
  const std::string width = px(layout.right + 8);
  const std::string height = px(bottom + 20);
  std::string out =
      "<svg class=\"witness\" role=\"img\" aria-label=\"the ops of the witness\" width=\"" + width +
      "\" height=\"" + height + "\" viewBox=\"0 0 " + width + " " + height + "\">\n";
  out += ticks_svg(layout, bottom);
  for (const auto& [process, row] : layout.row_of) {
    const double y = kTop + static_cast<double>(row) * kRowHeight;
    std::string node;
    for (const WitnessOp& op : ops) {
      const NodeId asked = op.done.node == kNobody ? op.invoke.node : op.done.node;
      if (op.invoke.process == process && asked != kNobody) node = "at " + name_of(asked);
    }
    out += "<line class=\"row\" x1=\"0\" x2=\"" + width + "\" y1=\"" + px(y + kRowHeight - 6) +
           "\" y2=\"" + px(y + kRowHeight - 6) + "\"/>";
    out += "<text class=\"process\" x=\"0\" y=\"" + px(y + 15) + "\">process " +
           std::to_string(process) + "</text>";
    out += "<text class=\"where\" x=\"0\" y=\"" + px(y + 28) + "\">" + node + "</text>\n";
  }
  for (const WitnessOp& op : ops) out += bar_svg(op, layout);
  return out + "</svg>\n";
}

}  // namespace ww::reports
