#include "reports/op_stats.hpp"

#include <algorithm>
#include <unordered_map>

namespace ww::reports {

std::vector<OpPair> pair_ops(std::span<const Op> history) {
  std::vector<OpPair> pairs;
  pairs.reserve(history.size() / 2);
  std::unordered_map<std::int64_t, std::size_t> open;  // process -> its pair; looked up only
  for (std::size_t i = 0; i < history.size(); ++i) {
    const Op& op = history[i];
    if (op.process == kNemesisProcess || op.f == Func::kNemesis) continue;
    if (op.type == OpType::kInvoke) {
      open[op.process] = pairs.size();
      pairs.push_back({i, kOpen});
    } else if (const auto found = open.find(op.process); found != open.end()) {
      pairs[found->second].complete = i;
      open.erase(found);
    }
  }
  return pairs;
}

Percentiles percentiles(std::vector<std::int64_t> samples) {
  Percentiles out;
  out.count = samples.size();
  if (samples.empty()) return out;
  std::sort(samples.begin(), samples.end());
  const auto rank = [&](std::size_t per_mille) {
    const std::size_t nearest = (samples.size() * per_mille + 999) / 1000;
    return samples[std::clamp<std::size_t>(nearest, 1, samples.size()) - 1];
  };
  out.p50 = rank(500);
  out.p90 = rank(900);
  out.p99 = rank(990);
  out.p999 = rank(999);
  out.max = samples.back();
  return out;
}

OpStats op_stats(std::span<const Op> history, std::span<const OpPair> pairs) {
  OpStats stats;
  std::map<Func, std::vector<std::int64_t>> latencies;
  std::vector<std::int64_t> all;
  for (const OpPair& pair : pairs) {
    const Op& invoke = history[pair.invoke];
    FuncStats& of_func = stats.by_func[invoke.f];
    const OpType outcome = pair.complete == kOpen ? OpType::kInfo : history[pair.complete].type;
    for (FuncStats* s : {&of_func, &stats.all}) {
      s->ok += outcome == OpType::kOk;
      s->fail += outcome == OpType::kFail;
      s->info += outcome == OpType::kInfo;
    }
    if (outcome == OpType::kOk) {
      const std::int64_t latency = history[pair.complete].time - invoke.time;
      latencies[invoke.f].push_back(latency);
      all.push_back(latency);
    } else {
      const std::string why = pair.complete == kOpen                 ? "never completed"
                              : history[pair.complete].error.empty() ? "no reason given"
                                                                     : history[pair.complete].error;
      ++stats.errors[std::string(name_of(outcome)) + ": " + why];
    }
  }
  for (auto& [f, samples] : latencies) stats.by_func[f].latency = percentiles(std::move(samples));
  stats.all.latency = percentiles(std::move(all));
  return stats;
}

}  // namespace ww::reports
