#include "controller/bench/settings.hpp"

#include <algorithm>
#include <charconv>

#include "base/nearest.hpp"
#include "controller/run/test_spec.hpp"

namespace ww::bench {

namespace {

constexpr std::uint32_t kMaxNodes = 9;
constexpr std::uint32_t kMaxClients = 2048;
constexpr std::uint32_t kMaxRate = 1'000'000;
// A leader takes so much that is not committed yet (raft::Limits), overhead included.
constexpr std::uint64_t kMaxUncommitted = std::uint64_t{4} << 20;
constexpr std::uint64_t kCommandOverhead = 96;

Error usage(const std::string& text) {
  return {ErrorCode::kUsage, true, text};
}

Result<void> set_switch(bool& target, const std::string& text) {
  if (text != "on" && text != "off") return usage("'" + text + "' is neither on nor off");
  target = text == "on";
  return {};
}

Result<void> set_number(std::uint32_t& target, const std::string& text, std::uint32_t low,
                        std::uint32_t high) {
  std::uint32_t n = 0;
  const char* const end = text.data() + text.size();
  const auto [at, ec] = std::from_chars(text.data(), end, n);
  if (ec != std::errc{} || at != end || n < low || n > high) {
    return usage("'" + text + "' is not a number from " + std::to_string(low) + " to " +
                 std::to_string(high));
  }
  target = n;
  return {};
}

std::string on_off(bool on) {
  return on ? "on" : "off";
}

template <bool Settings::*Member>
constexpr Dimension switch_row(const char* name, const char* help) {
  return {name, help, "on or off",
          [](Settings& s, const std::string& text) { return set_switch(s.*Member, text); },
          [](const Settings& s) { return on_off(s.*Member); }};
}

template <std::uint32_t Settings::*Member, std::uint32_t Low, std::uint32_t High>
constexpr Dimension number_row(const char* name, const char* help, const char* values) {
  return {
      name, help, values,
      [](Settings& s, const std::string& text) { return set_number(s.*Member, text, Low, High); },
      [](const Settings& s) { return std::to_string(s.*Member); }};
}

Result<void> set_floor(Settings& settings, const std::string& text) {
  if (text == "0" || text == "none") {
    settings.fsync_floor = Duration{};
    return {};
  }
  const auto floor = run::parse_duration(text);
  if (!floor) return floor.error();
  if (*floor < Duration{} || *floor > seconds(1)) {
    return usage("'" + text + "' is not a floor of at most 1s");
  }
  settings.fsync_floor = *floor;
  return {};
}

Result<void> set_reads(Settings& settings, const std::string& text) {
  for (const Reads mode : {Reads::kIndex, Reads::kLog, Reads::kLease}) {
    if (text != name_of(mode)) continue;
    settings.reads = mode;
    return {};
  }
  return usage("'" + text + "' is no read mode; known: index, log, lease");
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> out;
  std::size_t from = 0;
  for (std::size_t at = text.find(separator); at != std::string::npos;
       at = text.find(separator, from)) {
    out.push_back(text.substr(from, at - from));
    from = at + 1;
  }
  out.push_back(text.substr(from));
  return out;
}

struct Variation {
  std::string name;
  std::vector<std::string> values;
};

Result<Variation> parse_variation(const std::string& text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string::npos) {
    return usage("--vary: '" + text + "' names no values; write batching=on,off");
  }
  Variation out{text.substr(0, equals), split(text.substr(equals + 1), ',')};
  for (std::string& value : out.values) {
    Settings probe;
    if (auto done = set(probe, out.name, value); !done) {
      return usage("--vary: " + done.error().message);
    }
    // As it is spelt by us: "1000us" is 1ms.
    for (const Dimension& d : dimensions()) {
      if (d.name == out.name) value = d.get(probe);
    }
  }
  std::vector<std::string> sorted = out.values;
  std::sort(sorted.begin(), sorted.end());
  if (sorted.size() < 2 || std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) {
    return usage("--vary: " + out.name + " needs two different values at least");
  }
  return out;
}

}  // namespace

std::string_view name_of(Reads reads) {
  switch (reads) {
    case Reads::kIndex:
      return "index";
    case Reads::kLog:
      return "log";
    case Reads::kLease:
      return "lease";
  }
  return "?";
}

const std::vector<Dimension>& dimensions() {
  static const std::vector<Dimension> kRows = {
      switch_row<&Settings::batching>("batching", "group commit, and appends of many entries"),
      switch_row<&Settings::pipelining>("pipelining", "several appends under way to a peer"),
      switch_row<&Settings::preallocate>("preallocate", "log files grow by a MiB at a time"),
      switch_row<&Settings::fsync>("fsync", "off: nothing is synced, and so nothing is durable"),
      {"fsync-floor", "emulates a slower disk: no sync takes less", "a time, or 0", set_floor,
       [](const Settings& s) {
         return s.fsync_floor == Duration{} ? "0" : run::format_duration(s.fsync_floor);
       }},
      {"reads", "how a read is made linearizable", "index, log or lease", set_reads,
       [](const Settings& s) { return std::string(name_of(s.reads)); }},
      number_row<&Settings::read_share, 0, 100>("read-share", "reads among the operations",
                                                "per cent"),
      switch_row<&Settings::tracing>("tracing", "the nodes write their traces, and they are read"),
      switch_row<&Settings::journal>("journal", "the nodes' flight recorders"),
      switch_row<&Settings::checks>("checks", "the invariants, on line; implies tracing"),
      number_row<&Settings::clients, 1, kMaxClients>(
          "clients", "connections, one operation under way on each", "1 to 2048"),
      number_row<&Settings::value_size, 1, static_cast<std::uint32_t>(wire::kMaxValue)>(
          "value-size", "of what is written", "bytes"),
      number_row<&Settings::nodes, 1, kMaxNodes>("nodes", "of the cluster", "1 to 9"),
      number_row<&Settings::rate, 0, kMaxRate>(
          "rate", "an open loop of Poisson arrivals; 0: a closed one", "ops/s in all"),
  };
  return kRows;
}

Result<void> set(Settings& settings, const std::string& name, const std::string& value) {
  std::vector<std::string> known;
  for (const Dimension& d : dimensions()) {
    known.emplace_back(d.name);
    if (name != d.name) continue;
    const auto done = d.set(settings, value);
    if (!done) return usage(name + ": " + done.error().message);
    return {};
  }
  const auto near = nearest(name, known);
  if (near) return usage("nothing is called '" + name + "'; did you mean '" + *near + "'?");
  std::string text = "nothing is called '" + name + "'; known:";
  for (const std::string& k : known) text += " " + k;
  return usage(text);
}

Result<void> validate(const Settings& s) {
  if (!s.fsync && s.fsync_floor > Duration{}) {
    return usage("where nothing is synced (fsync=off), no sync takes as long as its floor");
  }
  if (!s.fsync && s.checks) {
    return usage("the checks judge what was synced: they do not go with fsync=off");
  }
  if (s.clients * (s.value_size + kCommandOverhead) > kMaxUncommitted) {
    return usage("clients times value size is over what a leader takes at once: " +
                 std::to_string(s.clients) + " x " + std::to_string(s.value_size) +
                 " bytes, and 4 MiB");
  }
  return {};
}

Result<std::vector<Variant>> variants_of(const Settings& base,
                                         const std::vector<std::string>& vary) {
  std::vector<Variant> out = {{"", base}};
  std::vector<std::string> names;
  for (const std::string& text : vary) {
    const auto variation = parse_variation(text);
    if (!variation) return variation.error();
    if (std::find(names.begin(), names.end(), variation->name) != names.end()) {
      return usage("--vary: " + variation->name + " is varied twice");
    }
    names.push_back(variation->name);
    std::vector<Variant> next;
    for (const Variant& before : out) {
      for (const std::string& value : variation->values) {
        Variant v = before;
        v.label += (v.label.empty() ? "" : " ") + variation->name + "=" + value;
        if (auto done = set(v.settings, variation->name, value); !done) return done.error();
        next.push_back(std::move(v));
      }
    }
    out = std::move(next);
    if (out.size() > kMaxVariants) {
      return usage("--vary: more than " + std::to_string(kMaxVariants) + " variants");
    }
  }
  if (out.size() == 1) out.front().label = "as given";
  const bool reads_vary = std::find(names.begin(), names.end(), "reads") != names.end();
  for (Variant& v : out) {
    if (v.settings.checks) v.settings.tracing = true;
    if (auto valid = validate(v.settings); !valid) return usage(valid.error().message);
    if (reads_vary && v.settings.read_share == 0) {
      return usage("--vary: reads changes nothing where --read-share is 0");
    }
  }
  return out;
}

}  // namespace ww::bench
