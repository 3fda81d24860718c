#include "nodes/raft/describe.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <map>
#include <optional>
#include <string_view>
#include <utility>
#include <variant>

#include "base/history.hpp"
#include "base/wire/fields.hpp"

namespace ww::raft {

namespace {

constexpr std::size_t kMostItems = 8;
constexpr std::size_t kMostBytes = 48;

std::string with_unit(std::int64_t ns) {
  std::string fraction = std::to_string(1'000'000'000 + (ns < 0 ? -ns : ns) % 1'000'000'000);
  std::string text = (ns < 0 ? "-" : "") + std::to_string((ns < 0 ? -ns : ns) / 1'000'000'000);
  return text + "." + fraction.substr(1) + " s";
}

/// Renders values within one line.
class Inline {
 public:
  void operator()(const char* name, const auto& x) {
    out_ += (out_.empty() ? "" : ", ") + std::string(name) + " " + text_of(x);
  }
  [[nodiscard]] const std::string& text() const { return out_; }

  static std::string text_of(bool x) { return x ? "yes" : "no"; }
  static std::string text_of(Instant x) { return x == kNever ? "never" : with_unit(to_ns(x)); }
  static std::string text_of(Duration x) { return with_unit(x.count()); }
  static std::string text_of(NodeId x) { return x == kNobody ? "nobody" : name_of(x); }
  static std::string text_of(const LogPosition& x) {
    return std::to_string(x.index) + " of term " + std::to_string(x.term);
  }
  static std::string text_of(const std::string& x) {
    std::string out;
    append_json_string(out, std::string_view(x).substr(0, kMostBytes));
    return x.size() <= kMostBytes ? out : out + " of " + std::to_string(x.size()) + " bytes";
  }
  template <class Tag, class Rep>
  static std::string text_of(const Id<Tag, Rep>& x) {
    return std::to_string(x.value);
  }
  template <class T>
  requires(std::is_integral_v<T> || std::is_enum_v<T> || wire::Record<T>) static std::string
      text_of(const T& x) {
    if constexpr (wire::Record<T>) {
      Inline members;
      T::fields(x, members);
      return "{" + members.text() + "}";
    } else if constexpr (std::is_enum_v<T>) {
      return std::string(name_of(x));
    } else {
      return std::to_string(x);
    }
  }
  static std::string text_of(const bugs::Switches& x) {
    std::string out;
    for (const bugs::BugRow& row : bugs::registry()) {
      if (!x.is_on(row.bug)) continue;
      out += (out.empty() ? "" : ", ") + std::string(row.name) + " (changed " +
             std::to_string(x.reached(row.bug)) + " decisions)";
    }
    return out.empty() ? "none" : out;
  }
  static std::string text_of(const RarePathCounts& x) {
    std::string out;
    for (std::size_t i = 0; i < x.size(); ++i) {
      if (x[i] == 0) continue;
      out += (out.empty() ? "" : ", ") + std::string(name_of(static_cast<RarePath>(i))) + " " +
             std::to_string(x[i]);
    }
    return out.empty() ? "none" : out;
  }
  static std::string text_of(const wire::PeerMessage& x) {
    Inline members;
    std::visit([&members](const auto& m) { m.fields(m, members); }, x);
    return std::string(name_of(wire::type_of(x))) + " {term " + std::to_string(wire::term_of(x)) +
           (members.text().empty() ? "" : ", ") + members.text() + "}";
  }
  template <class T>
  static std::string text_of(const std::optional<T>& x) {
    return x ? text_of(*x) : "none";
  }
  template <class T>
  static std::string text_of(const std::vector<T>& x) {
    return list(x);
  }
  template <class T>
  static std::string text_of(const std::deque<T>& x) {
    return list(x);
  }
  template <class T, std::size_t N>
  static std::string text_of(const std::array<T, N>& x) {
    return list(x);
  }
  template <class K, class T, class C>
  static std::string text_of(const std::map<K, T, C>& x) {
    return list(x);
  }
  template <class A, class B>
  static std::string text_of(const std::pair<A, B>& x) {
    return text_of(x.first) + ": " + text_of(x.second);
  }

 private:
  template <class List>
  static std::string list(const List& items) {
    std::string out = std::to_string(items.size());
    std::size_t shown = 0;
    for (const auto& item : items) {
      if (shown == kMostItems) return out + ", ...";
      out += (shown++ == 0 ? ": " : ", ") + text_of(item);
    }
    return out;
  }
  std::string out_;
};

std::string text_of(const Log& log) {
  const Index base = log.base().index;
  std::string out = std::to_string(log.last_index() - base) + " entries";
  if (base != 0) out += " behind " + Inline::text_of(log.base());
  Index last = log.last_index();
  for (std::size_t shown = 0; last > base; ++shown) {
    if (shown == kMostItems) return out + ", ...";
    const Index first = std::max(log.first_of_same_term(last), base + 1);
    out += (shown == 0 ? ": " : ", ") + std::to_string(first) + "-" + std::to_string(last) +
           " of term " + std::to_string(log.term_at(last));
    last = first - 1;
  }
  return out;
}

/// The members of a Progress but its peer, which names the line; of the appends in flight those
/// that there are.
struct PeerLine {
  Inline line;
  void operator()(const char*, NodeId) {}
  void operator()(const char* name, const auto& x) {
    if (std::string_view(name) != "in_flight_count") line(name, x);
  }
  void operator()(const char* name, const std::array<Index, kMaxInFlightAppends>& x) {
    std::vector<Index> there(x.begin(), std::find(x.begin(), x.end(), Index{0}));
    line(name, there);
  }
};

/// A line a field; what is nested is opened once.
class Facts {
 public:
  explicit Facts(std::string prefix = {}) : prefix_(std::move(prefix)) {}

  void operator()(const char* name, const auto& x) { add(name, Inline::text_of(x)); }
  void operator()(const char* name, const Log& x) { add(name, text_of(x)); }
  void operator()(const char*, const HardState& x) { x.fields(x, *this); }
  void operator()(const char* name, const Durability& x) { nest(name, x); }
  void operator()(const char* name, const kv::Machine& x) { nest(name, x); }
  void operator()(const char* name, const Config& x) { nest(name, x); }
  void operator()(const char* name, const RoleState& x) {
    add(name, std::string(wire::name_of(static_cast<wire::Role>(x.index()))));
    std::visit([this](const auto& role) { role.fields(role, *this); }, x);
  }
  void operator()(const char*, const std::vector<Progress>& peers) {
    for (const Progress& peer : peers) {
      PeerLine members;
      Progress::fields(peer, members);
      add("peer " + name_of(peer.id), members.line.text());
    }
  }
  std::vector<Fact> take() { return std::move(facts_); }

 private:
  void add(const std::string& name, std::string text) {
    facts_.push_back({prefix_ + name, std::move(text)});
  }
  template <class T>
  void nest(const char* name, const T& x) {
    Facts inner(std::string(name) + ".");
    T::fields(x, inner);
    for (Fact& fact : inner.facts_) facts_.push_back(std::move(fact));
  }
  std::string prefix_;
  std::vector<Fact> facts_;
};

}  // namespace

std::vector<Fact> describe(const Replica& replica) {
  Facts facts;
  Replica::fields(replica, facts);
  return facts.take();
}

}  // namespace ww::raft
