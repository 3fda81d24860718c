#include "controller/run/results_files.hpp"

#include "controller/run/fingerprint_file.hpp"
#include "controller/run/version.hpp"
#include "reports/files.hpp"
#include "reports/reports.hpp"

namespace ww::run {

Result<void> write_results(const std::string& directory, FinishedRun& done) {
  done.report.version = version();
  done.report.commit = commit();
  done.report.compiler = compiler();
  Result<void> first;
  const auto keep_first = [&first](Result<void> result) {
    if (first && !result) first = std::move(result);
  };
  keep_first(reports::write_file_atomically(directory + "/test.json", to_json(done.executed.test)));
  keep_first(reports::write_file_atomically(directory + "/plan.json", to_json(done.executed)));
  keep_first(reports::write_all(done.report, directory));
  if (done.fingerprint.events != 0) {
    keep_first(reports::write_file_atomically(directory + "/fingerprint.json",
                                              to_json(stored_fingerprint(done))));
  }
  return first;
}

}  // namespace ww::run
