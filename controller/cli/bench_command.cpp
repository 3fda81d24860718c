#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/real_time.hpp"
#include "controller/bench/bench_run.hpp"
#include "controller/cli/commands.hpp"
#include "controller/cli/exit_codes.hpp"
#include "controller/cli/moving_line.hpp"
#include "controller/run/store.hpp"
#include "controller/run/version.hpp"
#include "reports/files.hpp"
#include "reports/format.hpp"

namespace ww::cli {

namespace {

namespace fs = std::filesystem;

/// Quoted for a shell where it must be.
std::string shell_word(const std::string& word) {
  constexpr const char* kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_=,./:%@+";
  if (!word.empty() && word.find_first_not_of(kPlain) == std::string::npos) return word;
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? "'\\''" : std::string(1, c);
  return out + "'";
}

/// The command that runs the same benchmark.
std::string command_of(const BenchCommand& command) {
  const bench::BenchPlan& plan = command.plan;
  std::string out = "./whitewater bench";
  const auto add = [&out](const std::string& flag, const std::string& value) {
    out += " " + flag + " " + shell_word(value);
  };
  const bench::Settings defaults;
  for (const bench::Dimension& d : bench::dimensions()) {
    std::vector<std::string> values;
    for (const bench::Variant& v : plan.variants) {
      const std::string value = d.get(v.settings);
      if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
    }
    // A variation shows in the labels; what only follows from one (checks trace) does not.
    const bool varied =
        plan.variants.back().label.find(std::string(d.name) + "=") != std::string::npos;
    if (varied) {
      std::string list;
      for (const std::string& value : values) list += (list.empty() ? "" : ",") + value;
      add("--vary", std::string(d.name) + "=" + list);
    } else if (values.size() == 1 && values.front() != d.get(defaults)) {
      add(std::string("--") + d.name, values.front());
    }
  }
  const bench::BenchPlan usual;
  if (plan.blocks != usual.blocks) add("--blocks", std::to_string(plan.blocks));
  if (plan.duration != usual.duration) add("--duration", run::format_duration(plan.duration));
  if (plan.warm_up != usual.warm_up) add("--warm-up", run::format_duration(plan.warm_up));
  if (plan.fault) {
    const bench::FaultPlan usual_fault;
    const auto add_time = [&add](const char* flag, Duration value, Duration usual_value) {
      if (value != usual_value) add(flag, run::format_duration(value));
    };
    add("--during-faults", std::string(bench::name_of(plan.fault->kind)));
    add_time("--fault-duration", plan.fault->length, usual_fault.length);
    add_time("--recovery", plan.fault->recovery, usual_fault.recovery);
    add_time("--attempt-timeout", plan.fault->attempt_timeout, usual_fault.attempt_timeout);
  }
  if (plan.seed != usual.seed) add("--seed", std::to_string(plan.seed));
  if (!plan.data.empty()) add("--data", plan.data);
  for (const bench::Condition& c : command.conditions) add("--fail-if", c.text);
  if (!command.baseline.empty()) add("--baseline", command.baseline);
  return out;
}

std::string processor_name() {
  std::ifstream in("/proc/cpuinfo");
  for (std::string line; std::getline(in, line);) {
    if (line.rfind("model name", 0) != 0) continue;
    const std::size_t at = line.find(": ");
    return at == std::string::npos ? "" : line.substr(at + 2);
  }
  return "";
}

std::vector<reports::Fact> setup_of(const bench::BenchPlan& plan) {
  std::vector<reports::Fact> out = {
      {"commit", run::commit()},
      {"compiler", run::compiler()},
      {"cores", std::to_string(std::thread::hardware_concurrency())},
      {"blocks", std::to_string(plan.blocks)},
      {"measured in each round", reports::duration_text(plan.duration.count())},
      {"warm-up", reports::duration_text(plan.warm_up.count())},
      {"seed", std::to_string(plan.seed)}};
  if (plan.fault) {
    out.push_back({"during faults", std::string(bench::name_of(plan.fault->kind))});
    out.push_back({"fault", reports::duration_text(plan.fault->length.count())});
    out.push_back({"recovery phase", reports::duration_text(plan.fault->recovery.count())});
    out.push_back({"attempt timeout", reports::duration_text(plan.fault->attempt_timeout.count())});
  }
  const std::string processor = processor_name();
  if (!processor.empty()) out.push_back({"processor", processor});
  return out;
}

Result<std::vector<reports::BenchSamples>> read_samples(const std::string& path) {
  const std::string file = fs::is_directory(path) ? path + "/bench.json" : path;
  auto text = reports::read_file(file);
  if (!text) return text.error();
  return reports::parse_bench(*text, file);
}

/// Judges the report by its conditions and changes: the exit code, and one sentence.
void conclude(reports::BenchReport& report) {
  report.exit_code = kExitValid;
  std::string slower;
  for (const reports::BenchRatio& change : report.changes) {
    for (const std::string& one : bench::regressions(change)) {
      slower += (slower.empty() ? "" : ", ") + one;
    }
  }
  std::string broken;
  for (const reports::BenchCondition& c : report.conditions) {
    if (c.holds) broken += (broken.empty() ? "" : ", ") + c.text;
  }
  if (!broken.empty() || !slower.empty()) report.exit_code = kExitRegression;
  if (!broken.empty()) {
    report.cause = "fails: " + broken;
  } else if (!slower.empty()) {
    report.cause = "slower than the baseline: " + slower;
  } else if (!report.changes.empty()) {
    report.cause = "not slower than the baseline";
  } else {
    report.cause = "measured";
  }
}

Result<void> write_files(const reports::BenchReport& report, const run::RunDirectory& directory) {
  const std::pair<const char*, std::string> files[] = {{"bench.json", reports::bench_json(report)},
                                                       {"bench.csv", reports::bench_csv(report)},
                                                       {"bench.html", reports::bench_html(report)}};
  for (const auto& [name, content] : files) {
    if (auto written = reports::write_file_atomically(directory.file(name), content); !written) {
      return written;
    }
  }
  return {};
}

/// A folder for the nodes' files that is ours alone, and goes with this object.
class DataFolder {
 public:
  static Result<DataFolder> make(const std::string& below) {
    std::error_code ec;
    fs::create_directories(below, ec);
    std::string name = below + "/whitewater-bench-" + std::to_string(::getpid());
    if (!ec) fs::create_directory(name, ec);
    if (ec) return Error{ErrorCode::kEnvironment, true, name + ": " + ec.message()};
    return DataFolder(std::move(name));
  }
  DataFolder(DataFolder&& other) noexcept : path_(std::exchange(other.path_, "")) {}
  DataFolder& operator=(DataFolder&&) = delete;
  ~DataFolder() {
    std::error_code ignored;
    if (!path_.empty()) fs::remove_all(path_, ignored);
  }
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  explicit DataFolder(std::string path) : path_(std::move(path)) {}
  std::string path_;
};

Result<reports::BenchReport> measure(const Common& common, const BenchCommand& command,
                                     const run::RunDirectory& directory,
                                     const std::string& node_executable) {
  bench::BenchPlan plan = command.plan;
  plan.node_executable = node_executable;
  const auto data = DataFolder::make(plan.data.empty() ? directory.path : plan.data);
  if (!data) return data.error();
  plan.data = data->path();
  MovingLine moving(common.quiet);
  auto report = bench::run_bench(
      plan, [&](std::size_t done, std::size_t of, const std::string& label, double throughput) {
        const std::string last =
            throughput > 0 ? "; last: " + reports::number_text(throughput) + " ops/s" : "";
        moving.show(instant_at(monotonic_ns()), [&](std::size_t) {
          return "round " + std::to_string(done + 1) + " of " + std::to_string(of) + ": " + label +
                 last;
        });
      });
  moving.clear();
  return report;
}

}  // namespace

int do_bench(const Common& common, const BenchCommand& command,
             const std::string& node_executable) {
  std::optional<std::vector<reports::BenchSamples>> before;
  if (!command.baseline.empty()) {
    auto samples = read_samples(command.baseline);
    if (!samples) return complain(samples.error());
    before = std::move(*samples);
  }
  const auto directory = run::make_run_directory(command.store, "bench", command.plan.seed);
  if (!directory) return complain(directory.error());
  auto report = measure(common, command, *directory, node_executable);
  if (!report) {
    const int status = complain(report.error());
    run::remove_run(*directory);
    return report.error().code == ErrorCode::kStopped ? kExitSigint : status;
  }
  report->started = directory->started;
  report->command = command_of(command);
  report->setup = setup_of(command.plan);
  if (before) {
    report->baseline = command.baseline;
    report->changes =
        bench::changes(bench::samples_of(*report), *before, command.plan.seed, report->warnings);
  }
  for (const bench::Condition& condition : command.conditions) {
    report->conditions.push_back(bench::judge(condition, *report));
  }
  conclude(*report);
  if (auto written = write_files(*report, *directory); !written) return complain(written.error());
  const std::string page = directory->file("bench.html");
  std::fputs(common.format == Format::kHuman ? reports::bench_text(*report, page).c_str()
                                             : reports::bench_json(*report).c_str(),
             stdout);
  return report->exit_code;
}

int do_compare(const Common& common, const CompareCommand& command) {
  const auto before = read_samples(command.before);
  if (!before) return complain(before.error());
  const auto after = read_samples(command.after);
  if (!after) return complain(after.error());
  constexpr std::uint64_t kSeed = 1;  // of the resampling: the same files, the same interval
  reports::BenchReport report;
  report.baseline = command.before;
  report.changes = bench::changes(*after, *before, kSeed, report.warnings);
  if (report.changes.empty()) {
    for (const std::string& warning : report.warnings) {
      std::fprintf(stderr, "whitewater: %s\n", warning.c_str());
    }
    return complain({ErrorCode::kUsage, true, "the two have no variant in common"});
  }
  conclude(report);
  std::fputs(common.format == Format::kHuman ? reports::changes_text(report).c_str()
                                             : reports::bench_json(report).c_str(),
             stdout);
  return report.exit_code;
}

}  // namespace ww::cli
