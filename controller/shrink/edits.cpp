#include "controller/shrink/edits.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "controller/run/plan_parts.hpp"
#include "faults/registry.hpp"

namespace ww::shrink {

namespace {

using faults::FaultSpec;
using run::PlanFile;
using workloads::Script;
using workloads::ScriptedCall;

bool is_rate(std::string_view param) {
  return param.size() > 4 && param.substr(param.size() - 4) == "_ppm" && param != "rate_ppm";
}

std::size_t weight_of(const FaultSpec& fault) {
  if (fault.kind != "packet") return 1;
  const faults::KindInfo* kind = faults::find_kind(fault.kind);
  const faults::ShapeInfo* shape = faults::find_shape(*kind, fault.shape);
  if (shape == nullptr) return 1;
  if (faults::find_param(*shape, "count") != nullptr) {
    return static_cast<std::size_t>(faults::param(fault, "count"));  // of single messages
  }
  std::size_t rates = 0;
  for (const faults::ParamInfo& info : shape->params) {
    const bool kinds_of_harm = is_rate(info.name) || info.name == "delay_ms";
    if (kinds_of_harm && faults::param(fault, info.name) > 0) ++rates;
  }
  return std::max<std::size_t>(rates, 1);
}

Duration begin_of(const FaultSpec& fault) {
  return fault.at.time_since_epoch();
}
Duration end_of(const FaultSpec& fault) {
  return begin_of(fault) + fault.duration;
}

template <class T>
std::vector<T> chosen(const std::vector<T>& items, const Subset& kept) {
  std::vector<T> out;
  out.reserve(kept.size());
  for (const std::size_t i : kept) out.push_back(items[i]);
  return out;
}

/// The torture's length, where both parts of the plan say it. The least that a test may have is 1
/// s.
void set_limit(PlanFile& plan, Duration limit) {
  limit = std::max<Duration>(limit, seconds(1));
  plan.test.time_limit = limit;
  plan.faults.time_limit = limit;
}

/// Puts ops that were moved to other workers or times in order again. What orders a worker's calls
/// is their time; ordinals only have to grow with it.
void renumber(PlanFile& plan) {
  Script& ops = *plan.ops;
  std::stable_sort(ops.begin(), ops.end(), [](const ScriptedCall& a, const ScriptedCall& b) {
    return a.at != b.at ? a.at < b.at : a.worker < b.worker;
  });
  std::map<std::uint32_t, std::uint64_t> next;
  for (ScriptedCall& call : ops) call.ordinal = next[call.worker]++;
}

std::set<std::uint32_t> workers_of(const PlanFile& plan) {
  std::set<std::uint32_t> out;
  if (plan.ops) {
    for (const ScriptedCall& call : *plan.ops) out.insert(call.worker);
  }
  return out;
}

/// Applies a map of time that keeps order to everything in the plan.
template <class Map>
PlanFile retimed(const PlanFile& plan, Map map) {
  PlanFile out = plan;
  for (FaultSpec& fault : out.faults.faults) {
    const Duration end = map(end_of(fault));
    fault.at = Instant{map(begin_of(fault))};
    fault.duration = std::max<Duration>(end - begin_of(fault), milliseconds(1));
  }
  if (out.ops) {
    for (ScriptedCall& call : *out.ops) call.at = map(call.at);
    std::sort(out.ops->begin(), out.ops->end(), workloads::earlier);
  }
  return out;
}

std::string line(Duration at, const std::string& what) {
  std::string time = faults::human(at);
  time.insert(0, time.size() < 12 ? 12 - time.size() : 0, ' ');
  return time + "  " + what + "\n";
}

std::string describe_call(const ScriptedCall& scripted, std::uint32_t nodes) {
  const workloads::Call& call = scripted.call;
  const auto number = [](const Value& value) {
    const auto* n = std::get_if<std::int64_t>(&value);
    return n == nullptr ? std::string("nil") : std::to_string(*n);
  };
  std::string out = "client c" + std::to_string(scripted.worker + 1) + " (beside n" +
                    std::to_string(scripted.worker % nodes + 1) + ") ";
  const std::string key = "key " + std::to_string(call.key);
  if (call.f == Func::kWatch) {
    return out + "watches " + (call.key == kEveryKey ? "all keys" : key);
  }
  if (call.f == Func::kWrite) return out + "writes " + number(call.value) + " to " + key;
  if (call.f == Func::kCas) {
    return out + "changes " + key + " from " + number(call.value) + " to " + number(call.to);
  }
  return out + "reads " + key + (call.read_mode == wire::ReadMode::kLog ? " through the log" : "");
}

}  // namespace

Size size_of(const PlanFile& plan) {
  Size out;
  for (const FaultSpec& fault : plan.faults.faults) out.faults += weight_of(fault);
  out.faults += plan.network.deliveries.size();
  out.ops = plan.ops ? plan.ops->size() : 0;
  out.nodes = plan.test.nodes;
  out.clients = plan.test.workers();
  out.length = plan.test.cut > Duration{} ? plan.test.cut : plan.test.time_limit;
  return out;
}

std::string describe(const Size& size) {
  const auto count = [](std::size_t n, const char* what) {
    return std::to_string(n) + " " + what + (n == 1 ? "" : "s");
  };
  return count(size.faults, "fault") + ", " + count(size.ops, "op") + ", " +
         count(size.nodes, "node") + ", " + faults::human(size.length);
}

std::string describe_steps(const PlanFile& plan) {
  std::vector<std::pair<Duration, std::string>> steps;
  for (const FaultSpec& fault : plan.faults.faults) {
    steps.emplace_back(begin_of(fault), fault.id + ": " + faults::describe(fault));
  }
  if (plan.ops) {
    for (const ScriptedCall& call : *plan.ops) {
      steps.emplace_back(call.at, describe_call(call, plan.test.nodes));
    }
  }
  std::stable_sort(steps.begin(), steps.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  constexpr std::size_t kMostSteps = 60;
  std::string out;
  for (std::size_t i = 0; i < std::min(steps.size(), kMostSteps); ++i) {
    out += line(steps[i].first, steps[i].second);
  }
  if (steps.size() > kMostSteps) {
    out += "              and " + std::to_string(steps.size() - kMostSteps) + " more\n";
  }
  for (const run::Delivery& delivery : plan.network.deliveries) {
    out += "              " + run::describe(delivery.message) +
           (delivery.delay ? ": arrives after " + faults::human(*delivery.delay) : ": is lost") +
           "\n";
  }
  if (plan.test.cut > Duration{}) out += line(plan.test.cut, "the run is cut");
  return out;
}

bool is_runnable(const PlanFile& plan) {
  return run::validate(plan.test).ok() && faults::validate(plan.faults).ok() &&
         plan.faults.nodes == plan.test.nodes &&
         (!plan.ops || workloads::check_script(*plan.ops, plan.test.workers()).ok());
}

PlanFile with_faults(const PlanFile& plan, const Subset& kept) {
  PlanFile out = plan;
  out.faults.faults = chosen(plan.faults.faults, kept);
  return out;
}

PlanFile with_ops(const PlanFile& plan, const Subset& kept) {
  PlanFile out = plan;
  out.ops = chosen(*plan.ops, kept);
  return out;
}

PlanFile with_deliveries(const PlanFile& plan, const Subset& kept) {
  PlanFile out = plan;
  out.network.deliveries = chosen(plan.network.deliveries, kept);
  return out;
}

PlanFile until(const PlanFile& plan, Duration end) {
  PlanFile out = plan;
  std::erase_if(out.faults.faults, [&](const FaultSpec& f) { return begin_of(f) >= end; });
  if (out.ops) std::erase_if(*out.ops, [&](const ScriptedCall& call) { return call.at >= end; });
  return out;
}

PlanFile from(const PlanFile& plan, Duration begin) {
  PlanFile out = plan;
  // One that waits for an event may strike at any time after its own.
  std::erase_if(out.faults.faults, [&](const FaultSpec& f) {
    return f.trigger.event == faults::TriggerEvent::kNone && end_of(f) <= begin;
  });
  if (out.ops) std::erase_if(*out.ops, [&](const ScriptedCall& call) { return call.at < begin; });
  out = retimed(out, [&](Duration t) { return std::max<Duration>(t - begin, Duration{}); });
  out.test.cut = std::max<Duration>(plan.test.cut - begin, Duration{});
  set_limit(out, plan.test.time_limit - begin);
  return out;
}

PlanFile around(const PlanFile& plan, std::size_t i) {
  constexpr Duration kBefore = milliseconds(300);
  constexpr Duration kAfter = milliseconds(1500);
  const FaultSpec& fault = plan.faults.faults[i];
  const Duration begin = std::max<Duration>(begin_of(fault) - kBefore, Duration{});
  const Duration end = std::min<Duration>(end_of(fault) + kAfter, plan.test.time_limit);
  PlanFile out = from(until(with_faults(plan, {i}), end), begin);
  out.test.cut = end - begin;
  return out;
}

Subset ops_of(const PlanFile& plan, const History& witness) {
  std::set<std::size_t> out;
  const Script& ops = *plan.ops;
  for (const Op& op : witness) {
    if (op.type != OpType::kInvoke || op.process < 0) continue;
    // A call is invoked when it comes, or later: the last that fits is the one.
    std::optional<std::size_t> fitting;
    for (std::size_t i = 0; i < ops.size() && to_ns(ops[i].at) <= op.time; ++i) {
      const workloads::Call& call = ops[i].call;
      // From where a watch goes on is not in its call.
      const bool same_value = call.f == Func::kWatch || call.value == op.value;
      if (ops[i].worker == static_cast<std::uint64_t>(op.process) % plan.test.workers() &&
          call.f == op.f && call.key == op.key && same_value && call.to == op.to) {
        fitting = i;
      }
    }
    if (fitting) out.insert(*fitting);
  }
  return {out.begin(), out.end()};
}

Subset ops_on_key_of(const PlanFile& plan, const History& witness) {
  Subset out;
  for (std::size_t i = 0; i < plan.ops->size() && !witness.empty(); ++i) {
    if ((*plan.ops)[i].call.key == witness.front().key) out.push_back(i);
  }
  return out;
}

std::vector<Duration> moments(const PlanFile& plan) {
  std::set<Duration> out = {Duration{}};
  for (const FaultSpec& fault : plan.faults.faults) {
    out.insert(begin_of(fault));
    out.insert(end_of(fault));
  }
  if (plan.ops) {
    for (const ScriptedCall& call : *plan.ops) out.insert(call.at);
  }
  if (plan.test.cut > Duration{}) out.insert(plan.test.cut);
  return {out.begin(), out.end()};
}

PlanFile closer(const PlanFile& plan, Duration begin, Duration end, Duration left) {
  const Duration less = end - begin - left;
  const auto map = [&](Duration t) {
    if (t >= end) return t - less;
    return std::min(t, begin + left);
  };
  PlanFile out = retimed(plan, map);
  if (plan.test.cut > Duration{}) out.test.cut = map(plan.test.cut);
  return out;
}

PlanFile rounded(const PlanFile& plan, Duration unit) {
  PlanFile out = plan;
  const auto round = [&](Duration t) { return (t + unit / 2) / unit * unit; };
  for (FaultSpec& fault : out.faults.faults) {
    fault.at = Instant{round(begin_of(fault))};
    fault.duration = std::max<Duration>(round(fault.duration), unit);
  }
  if (out.ops) {
    for (ScriptedCall& call : *out.ops) call.at = round(call.at);
    renumber(out);
  }
  return out;
}

std::optional<PlanFile> with_nodes(const PlanFile& plan, std::uint32_t nodes) {
  const std::uint32_t before = plan.test.nodes;
  // Heads of lists first: what a fault names first is what it is about.
  std::vector<NodeId> ranked;
  const auto rank = [&](NodeId node) {
    if (std::find(ranked.begin(), ranked.end(), node) == ranked.end()) ranked.push_back(node);
  };
  for (std::size_t place = 0; place < before; ++place) {
    for (const FaultSpec& fault : plan.faults.faults) {
      if (place < fault.nodes.size()) rank(fault.nodes[place]);
    }
  }
  for (std::uint32_t n = 1; n <= before; ++n) rank(NodeId{n});
  std::map<NodeId, NodeId> renamed;
  for (std::uint32_t i = 0; i < nodes; ++i) renamed[ranked[i]] = NodeId{i + 1};

  PlanFile out = plan;
  out.test.nodes = nodes;
  out.faults.nodes = nodes;
  for (FaultSpec& fault : out.faults.faults) {
    const bool named = !fault.nodes.empty();
    std::vector<NodeId> kept;
    for (const NodeId node : fault.nodes) {
      if (renamed.count(node) > 0) kept.push_back(renamed[node]);
    }
    fault.nodes = std::move(kept);
    if (named && fault.nodes.empty()) return std::nullopt;
    if (fault.trigger.node == kNobody) continue;
    if (renamed.count(fault.trigger.node) == 0) return std::nullopt;
    fault.trigger.node = renamed[fault.trigger.node];
  }
  out.test.concurrency = plan.test.workers();
  if (!out.ops) return out;
  std::uint32_t last = 0;
  for (ScriptedCall& call : *out.ops) {
    const auto home = renamed.find(NodeId{call.worker % before + 1});
    const std::uint32_t beside =
        home != renamed.end() ? home->second.value - 1 : call.worker % before % nodes;
    call.worker = call.worker / before * nodes + beside;
    last = std::max(last, call.worker);
  }
  out.test.concurrency = std::max(last + 1, nodes);
  renumber(out);
  return out;
}

PlanFile with_few_clients(const PlanFile& plan) {
  PlanFile out = plan;
  if (!out.ops) return out;
  const std::uint32_t nodes = plan.test.nodes;
  std::map<std::uint32_t, std::uint32_t> renamed;
  std::map<std::uint32_t, std::uint32_t> rounds;  // by home
  std::uint32_t last = 0;
  for (const std::uint32_t worker : workers_of(plan)) {
    const std::uint32_t home = worker % nodes;
    renamed[worker] = rounds[home]++ * nodes + home;
    last = std::max(last, renamed[worker]);
  }
  for (ScriptedCall& call : *out.ops) call.worker = renamed[call.worker];
  out.test.concurrency = last + 1;
  renumber(out);
  return out;
}

PlanFile with_small_values(const PlanFile& plan) {
  PlanFile out = plan;
  if (!out.ops) return out;
  std::map<std::uint64_t, std::uint64_t> keys;
  std::map<std::int64_t, std::int64_t> values;
  const auto small = [&](Value& value) {
    auto* number = std::get_if<std::int64_t>(&value);
    if (number == nullptr) return;
    *number = values.emplace(*number, static_cast<std::int64_t>(values.size()) + 1).first->second;
  };
  for (ScriptedCall& call : *out.ops) {
    call.call.key = keys.emplace(call.call.key, keys.size()).first->second;
    small(call.call.value);
    small(call.call.to);
  }
  return out;
}

std::vector<FaultSpec> simpler(const FaultSpec& fault) {
  std::vector<FaultSpec> out;
  const auto offer = [&](auto edit) {
    FaultSpec changed = fault;
    edit(changed);
    if (changed != fault) out.push_back(std::move(changed));
  };
  if (fault.trigger.event != faults::TriggerEvent::kNone) {
    offer([](FaultSpec& f) { f.trigger.actions = 0; });
    offer([](FaultSpec& f) { f.trigger.nth = 1; });
  }
  // Zero is simpler than the default, which is simpler than any other value: so this ends.
  const faults::KindInfo* kind = faults::find_kind(fault.kind);
  const faults::ShapeInfo* shape = kind == nullptr ? nullptr : find_shape(*kind, fault.shape);
  for (const faults::ParamInfo& info :
       shape == nullptr ? std::vector<faults::ParamInfo>{} : shape->params) {
    const std::string name(info.name);
    const bool written = fault.params.count(name) > 0;
    const std::int64_t value = faults::param(fault, name);
    if (info.low <= 0 && value != 0) offer([&](FaultSpec& f) { f.params[name] = 0; });
    if (written && value != 0) offer([&](FaultSpec& f) { f.params.erase(name); });
  }
  // A partition's list is an order, and who is not named follows in one of its own.
  for (std::size_t i = fault.nodes.size(); i-- > 0 && fault.nodes.size() > 1;) {
    offer([&](FaultSpec& f) { f.nodes.erase(f.nodes.begin() + static_cast<std::ptrdiff_t>(i)); });
  }
  if (fault.types.size() > 1) {
    for (const wire::MessageType type : fault.types) {
      offer([&](FaultSpec& f) { f.types = {type}; });
    }
  }
  return out;
}

}  // namespace ww::shrink
