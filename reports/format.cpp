#include "reports/format.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace ww::reports {

namespace {

constexpr std::string_view kReplacement = "\xef\xbf\xbd";

/// The length of the well-formed UTF-8 sequence at the start of `text`, or 0. (Unicode 15, table
/// 3-7.)
std::size_t sequence_length(std::string_view text) {
  const auto at = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto continues = [&](std::size_t i) { return (at(i) & 0xc0U) == 0x80U; };
  const unsigned lead = at(0);
  if (lead < 0x80) return 1;
  if (lead >= 0xc2 && lead <= 0xdf) return continues(1) ? 2 : 0;
  if (lead >= 0xe0 && lead <= 0xef) {
    const bool overlong = lead == 0xe0 && at(1) < 0xa0;
    const bool surrogate = lead == 0xed && at(1) > 0x9f;
    return continues(1) && continues(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (lead >= 0xf0 && lead <= 0xf4) {
    const bool overlong = lead == 0xf0 && at(1) < 0x90;
    const bool beyond = lead == 0xf4 && at(1) > 0x8f;
    return continues(1) && continues(2) && continues(3) && !overlong && !beyond ? 4 : 0;
  }
  return 0;
}

/// Calls `each` with every well-formed sequence, and with U+FFFD for every byte that is in none.
template <class F>
void for_each_sequence(std::string_view text, F each) {
  while (!text.empty()) {
    const std::size_t n = sequence_length(text);
    each(n == 0 ? kReplacement : text.substr(0, n));
    text.remove_prefix(std::max<std::size_t>(n, 1));
  }
}

std::string hex_escape(unsigned code) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  return {'\\', 'x', kDigits[code >> 4 & 0xf], kDigits[code & 0xf]};
}

/// C0, DEL and C1: what a terminal would obey.
bool is_control(std::string_view sequence) {
  const auto first = static_cast<unsigned char>(sequence[0]);
  if (sequence.size() == 1) return first < 0x20 || first == 0x7f;
  return sequence.size() == 2 && first == 0xc2 && static_cast<unsigned char>(sequence[1]) < 0xa0;
}

std::string spell_control(std::string_view sequence) {
  if (sequence == "\n") return "\\n";
  if (sequence == "\t") return "\\t";
  if (sequence == "\r") return "\\r";
  return hex_escape(static_cast<unsigned char>(sequence.back()));
}

/// `value` with `digits` significant digits and no trailing zeros; never the locale's decimal
/// point.
std::string significant(double value, int digits) {
  std::array<char, 64> buffer{};
  const int integer_digits = value < 1 ? 1 : static_cast<int>(std::log10(value)) + 1;
  const int decimals = std::max(0, digits - integer_digits);
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value,
                                          std::chars_format::fixed, decimals);
  if (error != std::errc{}) return "?";
  std::string out(buffer.data(), end);
  if (out.find('.') == std::string::npos) return out;
  while (out.back() == '0') out.pop_back();
  if (out.back() == '.') out.pop_back();
  return out;
}

}  // namespace

std::string group_digits(std::uint64_t n, std::string_view separator) {
  const std::string digits = std::to_string(n);
  if (digits.size() <= 4) return digits;
  std::string out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) out += separator;
    out += digits[i];
  }
  return out;
}

std::string duration_text(std::int64_t ns) {
  if (ns < 0) return "-" + duration_text(-ns);
  const auto value = static_cast<double>(ns);
  if (ns < 1'000) return std::to_string(ns) + " ns";
  if (ns < 999'500) return significant(value / 1e3, 3) + " us";
  if (ns < 999'500'000) return significant(value / 1e6, 3) + " ms";
  if (ns < 119'500'000'000) return significant(value / 1e9, 3) + " s";
  const std::int64_t whole_seconds = (ns + 500'000'000) / 1'000'000'000;
  return std::to_string(whole_seconds / 60) + " min " + std::to_string(whole_seconds % 60) + " s";
}

std::string time_text(std::int64_t ns) {
  if (ns < 0) return "-" + time_text(-ns);
  const std::int64_t ms = (ns + 500'000) / 1'000'000;
  std::string fraction = std::to_string(ms % 1000);
  fraction.insert(0, 3 - fraction.size(), '0');
  return std::to_string(ms / 1000) + "." + fraction + " s";
}

std::string number_text(double n) {
  if (!std::isfinite(n)) return "-";
  if (n < 0) return "-" + number_text(-n);
  if (n >= 9e15) return significant(n, 1);
  if (n == std::floor(n)) return group_digits(static_cast<std::uint64_t>(n));
  if (n < 1e-4) return "<0.0001";
  return significant(n, 4);
}

std::string valid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for_each_sequence(text, [&](std::string_view sequence) { out += sequence; });
  return out;
}

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for_each_sequence(text, [&](std::string_view sequence) {
    if (is_control(sequence)) {
      out += spell_control(sequence);
    } else {
      out += sequence;
    }
  });
  return out;
}

std::string escape_markup(std::string_view text) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  for_each_sequence(text, [&](std::string_view sequence) {
    if (sequence == "&") {
      out += "&amp;";
    } else if (sequence == "<") {
      out += "&lt;";
    } else if (sequence == ">") {
      out += "&gt;";
    } else if (sequence == "\"") {
      out += "&quot;";
    } else if (sequence == "'") {
      out += "&#39;";
    } else if (sequence == "\n" || sequence == "\t") {
      out += sequence;
    } else if (is_control(sequence)) {
      out += spell_control(sequence);
    } else if (sequence == "\xef\xbf\xbe" || sequence == "\xef\xbf\xbf") {
      out += kReplacement;
    } else {
      out += sequence;
    }
  });
  return out;
}

std::string value_text(const Value& value, std::size_t max_items) {
  if (std::holds_alternative<std::monostate>(value)) return "nil";
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  const auto& items = std::get<std::vector<std::int64_t>>(value);
  std::string out = "[";
  for (std::size_t i = 0; i < std::min(items.size(), max_items); ++i) {
    if (i > 0) out += ' ';
    out += std::to_string(items[i]);
  }
  if (items.size() > max_items) {
    out += " ... " + std::to_string(items.size() - max_items) + " more";
  }
  return out + "]";
}

std::string op_text(const Op& done) {
  const bool seen = done.type == OpType::kOk;
  switch (done.f) {
    case Func::kRead:
      return seen ? "read -> " + value_text(done.value) : "read";
    case Func::kWrite:
      return "write " + value_text(done.value);
    case Func::kAppend:
      return "append " + value_text(done.value);
    case Func::kDelete:
      return "delete";
    case Func::kCas: {
      std::string out = "cas " + value_text(done.value) + " -> " + value_text(done.to);
      if (seen && !done.matched) out += ", saw " + value_text(done.seen);
      return out;
    }
    case Func::kWatch: {
      std::string out = "watch from " + value_text(done.value);
      if (!seen) return out;
      out += " to " + value_text(done.to) + " -> " + std::to_string(done.changes.size()) +
             (done.changes.size() == 1 ? " change" : " changes");
      constexpr std::size_t kShown = 3;
      for (std::size_t i = 0; i < std::min(done.changes.size(), kShown); ++i) {
        const WatchedChange& change = done.changes[i];
        out += (i == 0 ? ": " : ", ") + std::to_string(change.revision) + " key " +
               std::to_string(change.key) + " = " + value_text(change.value);
      }
      return done.changes.size() > kShown ? out + ", ..." : out;
    }
    case Func::kNemesis:
      return value_text(done.value);
  }
  return "?";
}

std::size_t width_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U;
  }));
}

std::string align_columns(const std::vector<std::vector<std::string>>& rows, std::size_t indent) {
  std::vector<std::size_t> widths;
  std::vector<bool> numeric;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    if (rows[r].size() > widths.size()) {
      widths.resize(rows[r].size(), 0);
      numeric.resize(rows[r].size(), true);
    }
    for (std::size_t c = 0; c < rows[r].size(); ++c) {
      const std::string& cell = rows[r][c];
      widths[c] = std::max(widths[c], width_of(cell));
      // The first row is the heading: it takes the side of what stands below it.
      const bool number = cell.empty() || cell == "-" || (cell[0] >= '0' && cell[0] <= '9');
      if (r > 0 && !number) numeric[c] = false;
    }
  }
  std::string out;
  for (const std::vector<std::string>& row : rows) {
    std::string line(indent, ' ');
    for (std::size_t c = 0; c < row.size(); ++c) {
      const std::string padding(widths[c] - width_of(row[c]), ' ');
      if (c > 0) line += "  ";
      line += numeric[c] ? padding + row[c] : row[c] + padding;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

}  // namespace ww::reports
