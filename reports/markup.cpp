#include "reports/markup.hpp"

#include "reports/format.hpp"

namespace ww::reports {

std::string micro_sign(std::string duration) {
  if (duration.ends_with(" us")) duration.replace(duration.size() - 2, 2, "\xc2\xb5s");
  return duration;
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
  return part(0, shown) + "<details><summary>" + group_digits(rows_.size() - shown, kThinSpace) +
         " more</summary>\n" + part(shown, rows_.size()) + "</details>\n";
}

}  // namespace ww::reports
