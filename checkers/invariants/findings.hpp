// What the rules found: how often each was applied, and the accounts of the violations.
#pragma once

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "base/verdict.hpp"
#include "base/wire/trace.hpp"
#include "checkers/invariants/rules.hpp"

namespace ww::checkers::invariants {

/// Where in the evidence something stands. `order` is its place in the causal order of consumption.
struct Stamp {
  NodeId node;
  Incarnation incarnation = 0;
  std::uint64_t sequence = 0;  // 0: seen from outside the node's trace
  Instant time{};
  std::uint64_t order = 0;
};

/// A violation as its rule tells it.
struct Account {
  std::string summary;
  std::vector<std::pair<Stamp, std::string>> facts;
  std::vector<NodeId> nodes;

  void fact(const Stamp& at, std::string text) { facts.emplace_back(at, std::move(text)); }
};

/// Counts evaluations and violations, and keeps the first kMaxViolations accounts of each rule.
class Findings {
 public:
  void evaluated(Rule rule) { ++at(rule).evaluated; }

  /// Counts a violation of `rule` shown at `where`. `tell(Account&)` is only called when the
  /// account is kept, so that a rule which is broken at every step costs little.
  template <class Tell>
  void breach(Rule rule, const Stamp& where, Tell&& tell) {
    Row& row = at(rule);
    ++row.count;
    if (row.kept.size() >= kMaxViolations) return;
    Account account;
    tell(account);
    keep(rule, where, std::move(account));
  }

  [[nodiscard]] bool violated() const { return first_rule_ >= 0; }
  [[nodiscard]] const Violation* first() const;
  [[nodiscard]] std::uint64_t count(Rule rule) const {
    return rows_[static_cast<std::size_t>(rule)].count;
  }

  /// The row of `rule`; moves its violations out.
  CheckResult take(Rule rule);

 private:
  struct Row {
    std::uint64_t evaluated = 0;
    std::uint64_t count = 0;
    std::vector<Violation> kept;
  };
  Row& at(Rule rule) { return rows_[static_cast<std::size_t>(rule)]; }
  void keep(Rule rule, const Stamp& where, Account account);

  std::array<Row, kRuleCount> rows_;
  int first_rule_ = -1;  // whose first kept violation is the first of all
};

/// "{7,2}": index and term, as traces print positions.
std::string show(LogPosition position);
/// "{n1 n2 n3}", "{n1 n2 -> n2 n3, learners n4}".
std::string show(const wire::Configuration& c);
/// A trace record's event in a few words: "grants n3 its vote in term 7".
std::string describe(const wire::trace::Event& event);
/// What a message says: "append-reply ok term=4 match=7".
std::string describe(const wire::trace::Summary& message);

}  // namespace ww::checkers::invariants
