#include "reports/progress.hpp"

#include "reports/format.hpp"

namespace ww::reports {

namespace {

/// Whole and tenths of a second up to a minute, then minutes: the line must not jump about.
std::string clock_text(Duration d) {
  const std::int64_t tenths = to_ns(d) / 100'000'000;
  if (tenths < 600) return std::to_string(tenths / 10) + "." + std::to_string(tenths % 10) + " s";
  const std::int64_t whole = tenths / 10;
  const std::string rest = std::to_string(whole % 60);
  return std::to_string(whole / 60) + ":" + (rest.size() < 2 ? "0" : "") + rest;
}

}  // namespace

std::string progress_line(const Progress& progress, std::size_t width) {
  std::string line;
  const auto part = [&](const std::string& text) {
    if (!line.empty()) line += "  ";
    line += text;
  };
  if (!progress.phase.empty()) part(progress.phase);
  part(clock_text(progress.elapsed) +
       (progress.limit.count() > 0 ? " of " + clock_text(progress.limit) : ""));
  if (progress.seeds_total > 0) {
    part(group_digits(progress.seeds_done) + "/" + group_digits(progress.seeds_total) + " seeds");
    part(group_digits(progress.failures) + " failed");
  }
  const double rate = progress.ops_per_second > 0 ? progress.ops_per_second + 0.5 : 0;
  part(group_digits(static_cast<std::uint64_t>(rate)) + " ops/s");
  part("ok " + group_digits(progress.ok) + " fail " + group_digits(progress.fail) + " info " +
       group_digits(progress.info));
  part(progress.leader == kNobody
           ? "no leader"
           : "leader " + name_of(progress.leader) + " term " + std::to_string(progress.term));
  if (progress.violations > 0) part("VIOLATIONS " + group_digits(progress.violations));
  if (!progress.active_faults.empty()) {
    std::string faults = "faults: ";
    for (std::size_t i = 0; i < progress.active_faults.size(); ++i) {
      faults += (i > 0 ? ", " : "") + progress.active_faults[i];
    }
    part(faults);
  }
  line = printable(line);
  if (width == 0 || width_of(line) <= width) return line;
  if (width <= 3) return std::string(width, '.');
  // Cut between code points.
  std::size_t bytes = 0;
  for (std::size_t columns = 0; bytes < line.size(); ++bytes) {
    const bool starts = (static_cast<unsigned char>(line[bytes]) & 0xc0U) != 0x80U;
    if (starts && columns++ == width - 3) break;
  }
  return line.substr(0, bytes) + "...";
}

}  // namespace ww::reports
