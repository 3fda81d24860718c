// The table of invariants: what each is called, what it says, and which evidence it needs.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace ww::checkers::invariants {

/// In the order of docs/invariants.md.
enum class Rule : std::uint8_t {
  kES,
  kVote1,
  kPromise,
  kWin,
  kUpToDate,
  kTerm,
  kLM,
  kOneWriter,
  kCommitMono,
  kCommitAgree,
  kCommitDurable,
  kOwnTerm,
  kFollowerBound,
  kNoTrunc,
  kLC,
  kAckTruth,
  kApply,
  kRestart,
  kSnapPrefix,
  kCfgSerial,
  kCfgIntersect,
  kSession,
  kLeaseDisjoint,
  kLeasePromise,
  kCorrupt,
  kReplyTruth,
  kTraceTruth,
};
inline constexpr std::size_t kRuleCount = 27;

struct RuleRow {
  Rule rule;
  std::string_view id;     // "ES": the property of its violations
  std::string_view title;  // what it says, in one line
  bool rare;               // what it is about need not happen in every run
  bool frames;             // frames or history alone decide something of it
  bool store;              // nothing of it is decided without the byte stores' operations
};

/// One row a rule, in the order of `Rule`.
std::span<const RuleRow> rule_table();
const RuleRow& row_of(Rule rule);

}  // namespace ww::checkers::invariants
