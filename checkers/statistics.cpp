#include "checkers/statistics.hpp"

#include <algorithm>
#include <array>
#include <cmath>

#include "checkers/key_history.hpp"

namespace ww::checkers {

namespace {

constexpr std::size_t kFuncs = static_cast<std::size_t>(Func::kNemesis);
constexpr double kNsPerSecond = 1e9;

struct FuncCounts {
  std::uint64_t ok = 0;
  std::uint64_t fail = 0;
  std::uint64_t info = 0;
  std::uint64_t open = 0;
  std::vector<std::int64_t> latencies;  // of the ok ones
  [[nodiscard]] std::uint64_t all() const { return ok + fail + info + open; }
};

/// Nearest rank; `sorted` is not empty.
double percentile(const std::vector<std::int64_t>& sorted, std::uint64_t per_mille) {
  const std::uint64_t rank = (sorted.size() * per_mille + 999) / 1000;
  return static_cast<double>(sorted[std::max<std::uint64_t>(rank, 1) - 1]) / kNsPerSecond;
}

void add_numbers(CheckResult& result, const std::string& f, FuncCounts& counts) {
  result.numbers[f + ".ok"] = static_cast<double>(counts.ok);
  result.numbers[f + ".fail"] = static_cast<double>(counts.fail);
  result.numbers[f + ".info"] = static_cast<double>(counts.info);
  if (counts.latencies.empty()) return;
  std::sort(counts.latencies.begin(), counts.latencies.end());
  result.numbers[f + ".latency-p50"] = percentile(counts.latencies, 500);
  result.numbers[f + ".latency-p90"] = percentile(counts.latencies, 900);
  result.numbers[f + ".latency-p99"] = percentile(counts.latencies, 990);
  result.numbers[f + ".latency-p999"] = percentile(counts.latencies, 999);
  result.numbers[f + ".latency-max"] = percentile(counts.latencies, 1000);
}

}  // namespace

CheckResult check_statistics(const History& history) {
  CheckResult result;
  result.checker = "statistics";
  result.title = "each kind of op succeeded at least once";
  const KeyGroups groups = group_by_key(history);
  std::array<FuncCounts, kFuncs> by_func;
  std::uint64_t matched = 0;
  std::int64_t from = kForever;
  std::int64_t to = 0;
  for (const OpPair& pair : groups.pairs) {
    const Op& invoke = history[pair.invoke];
    FuncCounts& counts = by_func[static_cast<std::size_t>(invoke.f)];
    from = std::min(from, invoke.time);
    to = std::max(to, invoke.time);
    if (pair.complete == kNoLine) {
      ++counts.open;
      continue;
    }
    const Op& end = history[pair.complete];
    to = std::max(to, end.time);
    if (end.type == OpType::kFail) ++counts.fail;
    if (end.type == OpType::kInfo) ++counts.info;
    if (end.type != OpType::kOk) continue;
    ++counts.ok;
    counts.latencies.push_back(end.time - invoke.time);
    if (invoke.f == Func::kCas && end.matched) ++matched;
  }
  FuncCounts sum;
  result.verdict = groups.pairs.empty() ? Verdict::kUnknown : Verdict::kValid;
  if (groups.pairs.empty()) result.reason = "there was no op to count";
  for (std::size_t f = 0; f < kFuncs; ++f) {
    FuncCounts& counts = by_func[f];
    if (counts.all() == 0) continue;
    const std::string name(name_of(static_cast<Func>(f)));
    add_numbers(result, name, counts);
    sum.ok += counts.ok;
    sum.fail += counts.fail;
    sum.info += counts.info;
    sum.open += counts.open;
    if (counts.ok > 0) continue;
    result.verdict = Verdict::kUnknown;
    result.reason += (result.reason.empty() ? "no " : ", no ") + name + " ever succeeded";
  }
  if (by_func[static_cast<std::size_t>(Func::kCas)].all() > 0) {
    result.numbers["cas.matched"] = static_cast<double>(matched);
  }
  result.evaluated = sum.all();
  result.numbers["ops"] = static_cast<double>(sum.all());
  result.numbers["ok"] = static_cast<double>(sum.ok);
  result.numbers["fail"] = static_cast<double>(sum.fail);
  result.numbers["info"] = static_cast<double>(sum.info);
  result.numbers["open"] = static_cast<double>(sum.open);
  const double elapsed = static_cast<double>(to - std::min(from, to)) / kNsPerSecond;
  result.numbers["rate"] = elapsed > 0 ? static_cast<double>(sum.ok) / elapsed : 0;
  return result;
}

}  // namespace ww::checkers
