#include "reports/reports.hpp"

#include "reports/files.hpp"

namespace ww::reports {

Result<void> write_all(const RunReport& report, const std::string& dir) {
  Result<void> first;
  const auto write = [&](const char* name, const std::string& content) {
    Result<void> written = write_file_atomically(dir + "/" + name, content);
    if (first && !written) first = written;
  };
  // The small ones first: on a disk that is nearly full they are what matters.
  write("results.json", results_json(report));
  write("junit.xml", junit_xml(report));
  write("report.json", report_json(report));
  write("report.html", report_html(report));
  return first;
}

}  // namespace ww::reports
