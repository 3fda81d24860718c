#include "checkers/invariants/findings.hpp"

#include <algorithm>
#include <cstdio>

namespace ww::checkers::invariants {

namespace {

std::string render(const Stamp& at, const std::string& text) {
  char head[64];
  std::snprintf(head, sizeof head, "%.6fs ", static_cast<double>(to_ns(at.time)) / 1e9);
  std::string out = head;
  out += name_of(at.node);
  if (at.incarnation != 0) out += "." + std::to_string(at.incarnation);
  if (at.sequence != 0) out += " #" + std::to_string(at.sequence);
  out += ": " + text;
  return out;
}

template <class... Handlers>
struct Overloaded : Handlers... {
  using Handlers::operator()...;
};
template <class... Handlers>
Overloaded(Handlers...) -> Overloaded<Handlers...>;

std::string describe_store(const wire::trace::Store& e) {
  std::string out = "store " + std::string(wire::trace::name_of(e.op));
  if (!e.file.empty()) out += " " + e.file;
  if (!e.other.empty()) out += " to " + e.other;
  if (e.op == wire::trace::StoreOp::kWrite) {
    out += " at " + std::to_string(e.offset) + ", " + std::to_string(e.data.size()) + " bytes";
  }
  if (e.op == wire::trace::StoreOp::kTruncate) out += " to " + std::to_string(e.offset);
  if (!e.ok) out += " failed";
  return out;
}

std::string describe_applied(const wire::trace::Applied& e) {
  std::string out = "applies " + show(e.at) + ": " + std::string(name_of(e.execution));
  if (e.session.value != 0) {
    out += ", session " + std::to_string(e.session.value) + " seq " + std::to_string(e.seq);
  }
  char digest[40];
  std::snprintf(digest, sizeof digest, ", digest %016llx",
                static_cast<unsigned long long>(e.digest));
  return out + digest;
}

std::string describe_snapshot(const wire::trace::Snapshot& e) {
  using wire::trace::SnapshotAct;
  char digest[40];
  std::snprintf(digest, sizeof digest, ", digest %016llx",
                static_cast<unsigned long long>(e.digest));
  std::string out = "snapshot " + std::string(name_of(e.act)) + " up to " + show(e.at) + digest;
  if (e.act == SnapshotAct::kTaken) return out;
  out += ", log from " + std::to_string(e.first);
  if (e.act == SnapshotAct::kInstalled) out += e.kept ? ", suffix kept" : ", log replaced";
  return out;
}

std::string describe_role(const wire::trace::RoleChange& e) {
  std::string out =
      "becomes " + std::string(name_of(e.role)) + " in term " + std::to_string(e.term);
  for (std::size_t i = 0; i < e.granters.size(); ++i) {
    out += (i == 0 ? ", granters " : " ") + name_of(e.granters[i]);
  }
  return out;
}

std::string describe_vote(const wire::trace::VoteCast& e) {
  std::string out = (e.granted ? "grants " : "refuses ") + name_of(e.candidate);
  out += (e.pre ? " its pre-vote in term " : " its vote in term ") + std::to_string(e.term);
  return out + " (candidate's last " + show(e.candidate_last) + ", own " + show(e.own_last) + ")";
}

}  // namespace

void Findings::keep(Rule rule, const Stamp& where, Account account) {
  std::stable_sort(account.facts.begin(), account.facts.end(),
                   [](const auto& a, const auto& b) { return a.first.order < b.first.order; });
  Violation violation;
  violation.property = row_of(rule).id;
  violation.summary = std::move(account.summary);
  violation.time = to_ns(where.time);
  for (const auto& [stamp, text] : account.facts) {
    violation.evidence.push_back(render(stamp, text));
  }
  if (where.node != kNobody) account.nodes.insert(account.nodes.begin(), where.node);
  for (const NodeId node : account.nodes) {
    std::string name = name_of(node);
    auto& names = violation.nodes;
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      names.push_back(std::move(name));
    }
  }
  if (first_rule_ < 0) first_rule_ = static_cast<int>(rule);
  at(rule).kept.push_back(std::move(violation));
}

const Violation* Findings::first() const {
  if (first_rule_ < 0) return nullptr;
  const Row& row = rows_[static_cast<std::size_t>(first_rule_)];
  return row.kept.empty() ? nullptr : &row.kept.front();
}

CheckResult Findings::take(Rule rule) {
  Row& row = at(rule);
  CheckResult result;
  result.checker = row_of(rule).id;
  result.title = row_of(rule).title;
  result.evaluated = row.evaluated;
  result.violation_count = row.count;
  result.violations = std::move(row.kept);
  row.kept.clear();
  if (row.count > 0) {
    result.verdict = Verdict::kInvalid;
    result.reason = result.violations.front().summary;
  } else if (row.evaluated == 0) {
    result.verdict = Verdict::kUnknown;
    result.reason = row_of(rule).rare ? "never evaluated: what it is about did not happen"
                                      : "never evaluated: the evidence did not reach it";
    result.numbers["rare"] = row_of(rule).rare ? 1 : 0;
  } else {
    result.verdict = Verdict::kValid;
  }
  return result;
}

std::string show(LogPosition position) {
  return "{" + std::to_string(position.index) + "," + std::to_string(position.term) + "}";
}

std::string show(const wire::Configuration& c) {
  const auto list = [](const std::vector<NodeId>& nodes) {
    std::string out;
    for (const NodeId node : nodes) out += (out.empty() ? "" : " ") + name_of(node);
    return out;
  };
  std::string out = "{" + list(c.voters);
  if (!c.next.empty()) out += " -> " + list(c.next);
  if (!c.learners.empty()) out += ", learners " + list(c.learners);
  return out + "}";
}

std::string describe(const wire::trace::Summary& m) {
  using wire::MessageType;
  std::string out(name_of(m.type));
  const bool reply = m.type == MessageType::kVoteReply || m.type == MessageType::kPreVoteReply ||
                     m.type == MessageType::kAppendReply ||
                     m.type == MessageType::kInstallSnapshotReply;
  if (reply) out += m.ok ? " ok" : " refused";
  out += " term=" + std::to_string(m.term);
  switch (m.type) {
    case MessageType::kAppend:
      out += " prev=" + show(m.position) + " count=" + std::to_string(m.count) +
             " commit=" + std::to_string(m.index);
      break;
    case MessageType::kAppendReply:
      out += " match=" + std::to_string(m.index);
      break;
    case MessageType::kInstallSnapshot:
      out += " at=" + show(m.position) + " offset=" + std::to_string(m.index) +
             " bytes=" + std::to_string(m.count);
      break;
    case MessageType::kInstallSnapshotReply:
      out += " at=" + show(m.position) + " received=" + std::to_string(m.index);
      break;
    case MessageType::kVote:
    case MessageType::kPreVote:
      out += " last=" + show(m.position);
      break;
    default:
      break;
  }
  return out;
}

std::string describe(const wire::trace::Event& event) {
  namespace t = wire::trace;
  return std::visit(
      Overloaded{
          [](const t::Boot& e) {
            return "boots in term " + std::to_string(e.term) + ", vote " + name_of(e.vote) +
                   ", last " + show(e.last) +
                   (e.snapshot.index == 0 ? "" : ", snapshot " + show(e.snapshot));
          },
          [](const t::RoleChange& e) { return describe_role(e); },
          [](const t::VoteCast& e) { return describe_vote(e); },
          [](const t::Appended& e) {
            return "appends " + std::to_string(e.entries.size()) + " entries from index " +
                   std::to_string(e.first);
          },
          [](const t::Truncated& e) { return "truncates from " + std::to_string(e.from); },
          [](const t::Synced& e) {
            return std::string(e.ok ? "learns that its log is synced up to "
                                    : "learns that a write failed, up to ") +
                   show(e.upto) + ", term " + std::to_string(e.term) + ", vote " + name_of(e.vote);
          },
          [](const t::Committed& e) { return "commits up to " + show(e.to); },
          [](const t::Applied& e) { return describe_applied(e); },
          [](const t::Sent& e) { return "sends " + name_of(e.to) + " " + describe(e.message); },
          [](const t::Received& e) {
            return "receives from " + name_of(e.from) + " " + describe(e.message);
          },
          [](const t::Read& e) {
            return "reads at index " + std::to_string(e.index) +
                   (e.basis == t::ReadBasis::kLease ? " by its lease" : "");
          },
          [](const t::Transfer& e) {
            return "hands its leadership to " + name_of(e.to) + ": " +
                   std::string(t::name_of(e.phase));
          },
          [](const t::Client& e) {
            return (e.answered ? "answers request " : "takes request ") +
                   std::to_string(e.request) +
                   (e.answered ? " " + std::string(name_of(e.outcome)) + " at " + show(e.at) : "");
          },
          [](const t::Mark& e) { return "mark " + e.name; },
          [](const t::ClockFlip&) { return std::string("judges a deadline by a skewed clock"); },
          [](const t::Stall&) { return std::string("stood still on a full trace pipe"); },
          [](const t::Halt& e) { return "halts: " + e.reason; },
          [](const t::Store& e) { return describe_store(e); },
          [](const t::Snapshot& e) { return describe_snapshot(e); },
          [](const t::Configured& e) {
            return "configuration " + show(e.configuration) + " of " + show(e.at) + ": " +
                   std::string(name_of(e.act));
          },
          [](const t::Membership& e) {
            return "change of the voters to " + show(wire::Configuration{e.voters, {}, {}}) + ", " +
                   std::string(name_of(e.mode)) + ": " + std::string(name_of(e.phase)) +
                   (e.reason.empty() ? "" : ", " + e.reason);
          },
          [](const t::Doubt& e) {
            return e.over ? std::string("is covered by a leader")
                          : "may have lost what it acknowledged (" +
                                std::string(t::name_of(e.cause)) + "), last " + show(e.last);
          },
          [](const t::Disk& e) {
            return std::string(e.write ? "a write" : "a sync") + " of its disk " +
                   (e.ok ? "is late" : "fails");
          },
      },
      event);
}

}  // namespace ww::checkers::invariants
