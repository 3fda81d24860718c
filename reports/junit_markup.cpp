#include "reports/junit_markup.hpp"

#include <algorithm>

#include "reports/format.hpp"

namespace ww::reports::junit {

namespace {

/// Seconds with a point, whatever the locale.
std::string seconds_text(double s) {
  const auto micros = static_cast<std::uint64_t>(s > 0 ? s * 1e6 + 0.5 : 0);
  std::string fraction = std::to_string(micros % 1'000'000);
  fraction.insert(0, 6 - fraction.size(), '0');
  return std::to_string(micros / 1'000'000) + "." + fraction;
}

std::size_t occurrences(const std::string& text, std::string_view what) {
  std::size_t n = 0;
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

}  // namespace

std::string attribute(const std::string& name, const std::string& value) {
  return " " + name + "=\"" + escape_markup(printable(value)) + "\"";
}

std::string problem(const char* element, const std::string& message, const std::string& type,
                    const std::string& details) {
  return std::string("      <") + element + attribute("message", message) +
         attribute("type", type) + ">" + escape_markup(details) + "</" + element + ">\n";
}

std::string test_case(const std::string& suite, const std::string& name, double seconds,
                      const std::string& body) {
  return "    <testcase" + attribute("classname", suite) + attribute("name", name) +
         attribute("time", seconds_text(seconds)) +
         (body.empty() ? "/>\n" : ">\n" + body + "    </testcase>\n");
}

std::string document(const std::string& suite, double seconds, std::string started,
                     const std::vector<Fact>& properties, const std::string& cases) {
  // Text is escaped, so that these are the elements and nothing else.
  const auto count = [&cases](std::string_view element) {
    return std::to_string(occurrences(cases, element));
  };
  const std::string counts =
      attribute("tests", count("<testcase ")) + attribute("failures", count("<failure ")) +
      attribute("errors", count("<error ")) + attribute("skipped", count("<skipped "));
  std::string out = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites" + counts + ">\n";
  out += "  <testsuite" + attribute("name", suite) + counts;
  // JUnit's timestamp has no zone.
  started.erase(std::remove(started.begin(), started.end(), 'Z'), started.end());
  out += attribute("time", seconds_text(seconds)) + attribute("timestamp", started) + ">\n";
  out += "    <properties>\n";
  for (const Fact& property : properties) {
    out += "      <property" + attribute("name", property.name) +
           attribute("value", property.value) + "/>\n";
  }
  return out + "    </properties>\n" + cases + "  </testsuite>\n</testsuites>\n";
}

}  // namespace ww::reports::junit
