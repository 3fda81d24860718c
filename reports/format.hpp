// How reports spell numbers, times and text that came from elsewhere.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/op.hpp"

namespace ww::reports {

/// 1234567 -> "1 234 567", with `separator` between the groups; four digits stay together.
std::string group_digits(std::uint64_t n, std::string_view separator = " ");

/// A length of time with three significant digits and its unit: "812 ns", "1.24 ms", "40 s", "2 min
/// 5 s".
std::string duration_text(std::int64_t ns);

/// A place on the run's time axis: "12.345 s".
std::string time_text(std::int64_t ns);

/// A statistic: integers as such, others with up to four significant digits.
std::string number_text(double n);

/// Well-formed UTF-8: every byte that does not belong becomes U+FFFD.
std::string valid_utf8(std::string_view text);

/// For a terminal: valid UTF-8 in which control characters (C0, DEL, C1) are spelt "\n", "\x1b".
std::string printable(std::string_view text);

/// For element content and quoted attributes of HTML and of XML 1.0: the five special characters
/// become entities; what XML cannot hold at all (control characters, U+FFFE, U+FFFF) is spelt
/// "\x1b".
std::string escape_markup(std::string_view text);

/// nil, 7, [1 2 3], or the text itself; lists longer than `max_items` say how much is missing.
std::string value_text(const Value& value, std::size_t max_items = 32);

/// What an op did, without its key: "read -> 3", "write 5", "cas 1 -> 2", "cas 1 -> 2, saw 3".
/// `done` is the completion, or the invocation of an op that never completed; of an op that is not
/// `ok` the result is left out, since nobody saw one.
std::string op_text(const Op& done);

/// Rows of cells as aligned columns, two spaces apart; columns that hold only numbers are set
/// right. Each line starts with `indent` spaces and has no trailing ones. Widths count code points.
std::string align_columns(const std::vector<std::vector<std::string>>& rows, std::size_t indent);

/// The number of code points of valid UTF-8.
std::size_t width_of(std::string_view text);

}  // namespace ww::reports
