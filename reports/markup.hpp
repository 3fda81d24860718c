// Small pieces of HTML that several sections use.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "reports/run_report.hpp"

namespace ww::reports {

/// U+202F, between groups of digits: narrow, and never at a line's end.
inline constexpr std::string_view kThinSpace = "\xe2\x80\xaf";

/// "2 345", grouped by thin spaces.
std::string digits(std::uint64_t n);

/// A length in a drawing, to a tenth: "12.5".
std::string px(double length);

/// "12 us" with the sign for micro.
std::string micro_sign(std::string duration);

/// "1 seed", "2 345 seeds".
std::string plural(std::uint64_t n, const std::string& one, const std::string& many);

/// One of the large numbers under a headline; `number` is markup, `label` is text.
std::string figure(const std::string& number, const std::string& label);

/// A titled list of names and values; "" when there are none.
std::string facts_table(const std::string& title, const std::vector<Fact>& facts);

/// A table that grows row by row. Cells are markup: the caller has escaped what came from
/// elsewhere.
class Table {
 public:
  struct Column {
    std::string title;
    bool number = false;
  };
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
  void row(std::vector<std::string> cells) { rows_.push_back(std::move(cells)); }
  /// The table; rows after the first `shown` (0: none) are folded away behind their number.
  [[nodiscard]] std::string markup(std::size_t shown = 0) const;

 private:
  [[nodiscard]] std::string part(std::size_t from, std::size_t to) const;

  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace ww::reports
