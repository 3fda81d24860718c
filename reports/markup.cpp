#include "reports/markup.hpp"

#include <cmath>
#include <cstdlib>

#include "reports/format.hpp"

namespace ww::reports {

std::string digits(std::uint64_t n) {
  return group_digits(n, kThinSpace);
}

std::string px(double length) {
  const std::int64_t tenths = std::llround(length * 10);
  return (tenths < 0 ? "-" : "") + std::to_string(std::abs(tenths) / 10) + "." +
         std::to_string(std::abs(tenths) % 10);
}

std::string micro_sign(std::string duration) {
  if (duration.ends_with(" us")) duration.replace(duration.size() - 2, 2, "\xc2\xb5s");
  return duration;
}

std::string plural(std::uint64_t n, const std::string& one, const std::string& many) {
  return digits(n) + " " + (n == 1 ? one : many);
}

std::string figure(const std::string& number, const std::string& label) {
  return "<div><dt>" + escape_markup(label) + "</dt><dd>" + number + "</dd></div>\n";
}

std::string facts_table(const std::string& title, const std::vector<Fact>& facts) {
  if (facts.empty()) return "";
  std::string out = "<div><h3>" + title + "</h3>\n<dl class=\"facts\">\n";
  for (const Fact& fact : facts) {
    out += "<dt>" + escape_markup(fact.name) + "</dt><dd>" + escape_markup(fact.value) + "</dd>\n";
  }
  return out + "</dl></div>\n";
}

std::string Table::part(std::size_t from, std::size_t to) const {
  std::string out = "<div class=\"scroll\"><table><thead><tr>";
  for (const Column& column : columns_) {
    out += column.number ? "<th class=\"number\">" : "<th>";
    out += escape_markup(column.title) + "</th>";
  }
  out += "</tr></thead>\n<tbody>\n";
  for (std::size_t r = from; r < to; ++r) {
    out += "<tr>";
    for (std::size_t c = 0; c < rows_[r].size(); ++c) {
      out += columns_[c].number ? "<td class=\"number\">" : "<td>";
      out += rows_[r][c] + "</td>";
    }
    out += "</tr>\n";
  }
  return out + "</tbody></table></div>\n";
}

std::string Table::markup(std::size_t shown) const {
  // A fold that hides two rows hides nothing worth a click.
  if (shown == 0 || rows_.size() <= shown + 2) return part(0, rows_.size());
  return part(0, shown) + "<details><summary>" + digits(rows_.size() - shown) +
         " more</summary>\n" + part(shown, rows_.size()) + "</details>\n";
}

}  // namespace ww::reports
