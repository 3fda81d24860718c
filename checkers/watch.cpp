#include "checkers/watch.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>

#include "checkers/explain.hpp"
#include "checkers/key_history.hpp"

namespace ww::checkers {

namespace {

class WatchCheck {
 public:
  explicit WatchCheck(const History& history) : history_(history) {
    result_.checker = "watch";
    result_.title = "those who watch are told of every change, once, in one order";
    result_.verdict = Verdict::kValid;
  }

  CheckResult run() {
    collect();
    for (const Watch& watch : watches_) check_order(watch);
    for (const Watch& watch : watches_) check_agreement(watch);
    for (const Watch& watch : watches_) check_gaps(watch);
    check_changes();
    check_real_time();
    for (const Write& write : writes_) check_told(write);
    conclude();
    return std::move(result_);
  }

 private:
  /// A watch that is ok.
  struct Watch {
    OpPair lines;
    std::uint64_t key = 0;
    Index from = 0;
    Index upto = 0;
    [[nodiscard]] bool covers(Index revision, std::uint64_t of_key) const {
      return from <= revision && revision <= upto && (key == kEveryKey || key == of_key);
    }
  };
  enum class Fate : std::uint8_t { kAcknowledged, kUnknown, kDidNotHappen };
  struct Write {
    OpPair lines;
    Fate fate = Fate::kUnknown;
    std::uint64_t key = 0;
    Value value;
    std::optional<Index> told_at;
  };
  /// What somebody was told of a revision first.
  struct Told {
    WatchedChange change;
    std::size_t watch = 0;
    std::optional<std::size_t> write;
  };

  // ---- the history
  // --------------------------------------------------------------------------------

  void collect() {
    const KeyGroups groups = group_by_key(history_);
    for (const OpPair& lines : groups.pairs) {
      const Op& invoke = history_[lines.invoke];
      switch (invoke.f) {
        case Func::kWatch:
          collect_watch(lines);
          break;
        case Func::kWrite:
        case Func::kCas:
          collect_write(lines);
          break;
        case Func::kAppend:
        case Func::kDelete:
          unattributed_.insert(invoke.key);
          break;
        case Func::kRead:
        case Func::kNemesis:
          break;
      }
    }
    std::sort(watches_.begin(), watches_.end(),
              [](const Watch& a, const Watch& b) { return a.lines.complete < b.lines.complete; });
  }

  void collect_watch(const OpPair& lines) {
    if (lines.complete == kNoLine) return;
    const Op& done = history_[lines.complete];
    watchers_.insert(done.process);
    if (done.type == OpType::kFail && done.error == "compacted") ++compacted_;
    if (done.type != OpType::kOk) return;
    const auto revision = [](const Value& value) {
      const auto* number = std::get_if<std::int64_t>(&value);
      return number == nullptr || *number < 0 ? Index{0} : static_cast<Index>(*number);
    };
    watches_.push_back({lines, done.key, revision(done.value), revision(done.to)});
    if (done.value != history_[lines.invoke].value) {
      breach(done, "order", {lines}, [&] {
        return who(done) + " asked for the changes from revision " +
               text_of(history_[lines.invoke].value) + " on, and was answered from revision " +
               text_of(done.value) + " on";
      });
    }
  }

  void collect_write(const OpPair& lines) {
    const Op& invoke = history_[lines.invoke];
    Write write;
    write.lines = lines;
    write.key = invoke.key;
    write.value = invoke.f == Func::kCas ? invoke.to : invoke.value;
    if (lines.complete != kNoLine) {
      const Op& done = history_[lines.complete];
      if (done.type == OpType::kOk) write.fate = Fate::kAcknowledged;
      if (done.type == OpType::kFail || (done.type == OpType::kOk && !done.matched)) {
        write.fate = Fate::kDidNotHappen;
      }
    }
    if (!by_value_.emplace(std::pair(write.key, write.value), writes_.size()).second) {
      written_twice_.insert(write.key);
    }
    writes_.push_back(std::move(write));
  }

  [[nodiscard]] bool attributed(std::uint64_t key) const {
    return !unattributed_.contains(key) && !written_twice_.contains(key);
  }

  // ---- the watches
  // --------------------------------------------------------------------------------

  void check_order(const Watch& watch) {
    const Op& done = history_[watch.lines.complete];
    Index last = 0;
    for (const WatchedChange& change : done.changes) {
      ++result_.evaluated;
      if (!watch.covers(change.revision, change.key)) {
        breach(done, "order", {watch.lines}, [&] {
          return who(done) + " was told of " + what(change) + ", but it watched " +
                 (watch.key == kEveryKey ? "" : "key " + std::to_string(watch.key) + " at ") +
                 span(watch);
        });
      } else if (change.revision <= last) {
        breach(done, "order", {watch.lines}, [&] {
          return who(done) + " was told of " + what(change) + " after revision " +
                 std::to_string(last);
        });
      }
      last = std::max(last, change.revision);
    }
  }

  void check_agreement(const Watch& watch) {
    const Op& done = history_[watch.lines.complete];
    for (const WatchedChange& change : done.changes) {
      const auto [place, fresh] = told_.try_emplace(
          change.revision, Told{change, static_cast<std::size_t>(&watch - watches_.data()), {}});
      if (fresh) {
        revisions_of_[change.key].push_back(change.revision);
        continue;
      }
      const Told& first = place->second;
      if (first.change == change) continue;
      const Watch& other = watches_[first.watch];
      breach(done, "agreement", {other.lines, watch.lines}, [&] {
        return who(done) + " was told of " + what(change) + ", and " +
               who(history_[other.lines.complete]) + " of " + what(first.change);
      });
    }
  }

  void check_gaps(const Watch& watch) {
    const Op& done = history_[watch.lines.complete];
    std::set<Index> own;
    for (const WatchedChange& change : done.changes) own.insert(change.revision);
    const auto check = [&](const Told& told) {
      if (own.contains(told.change.revision)) return;
      const Watch& other = watches_[told.watch];
      breach(done, "gap", {other.lines, watch.lines}, [&] {
        return who(done) + " watched " + span(watch) + " and was not told of " + what(told.change) +
               ", of which " + who(history_[other.lines.complete]) + " was told";
      });
    };
    if (watch.key == kEveryKey) {
      const auto end = told_.upper_bound(watch.upto);
      for (auto at = told_.lower_bound(watch.from); at != end; ++at) check(at->second);
      return;
    }
    const auto found = revisions_of_.find(watch.key);
    if (found == revisions_of_.end()) return;
    std::vector<Index>& revisions = found->second;
    if (!std::is_sorted(revisions.begin(), revisions.end())) {
      std::sort(revisions.begin(), revisions.end());
    }
    auto at = std::lower_bound(revisions.begin(), revisions.end(), watch.from);
    for (; at != revisions.end() && *at <= watch.upto; ++at) check(told_.at(*at));
  }

  // ---- the writes
  // ---------------------------------------------------------------------------------

  /// Finds the write of each change.
  void check_changes() {
    for (auto& [revision, told] : told_) {
      const WatchedChange& change = told.change;
      if (!attributed(change.key)) continue;
      const Watch& watch = watches_[told.watch];
      const Op& done = history_[watch.lines.complete];
      const auto found = by_value_.find(std::pair(change.key, change.value));
      if (found == by_value_.end()) {
        breach(done, "invention", {watch.lines},
               [&] { return who(done) + " was told of " + what(change) + ", which nobody wrote"; });
        continue;
      }
      Write& write = writes_[found->second];
      const Op& invoke = history_[write.lines.invoke];
      told.write = found->second;
      if (write.fate == Fate::kDidNotHappen) {
        breach(done, "invention", {write.lines, watch.lines}, [&] {
          return who(done) + " was told of " + what(change) + ", but that " +
                 std::string(name_of(invoke.f)) + " of " + who(invoke) + " surely did not happen";
        });
      }
      if (watch.lines.complete < write.lines.invoke) {
        breach(done, "invention", {watch.lines, write.lines}, [&] {
          return who(done) + " was told of " + what(change) + " before " + who(invoke) +
                 " wrote that";
        });
      }
      if (write.told_at) {
        breach(done, "twice", {write.lines, watch.lines}, [&] {
          return who(done) + " was told of " + what(change) +
                 ", which had been written at revision " + std::to_string(*write.told_at);
        });
      }
      write.told_at = revision;
    }
  }

  /// From the highest revision down: whoever was acknowledged first among the later ones must not
  /// have been done before this one was invoked.
  void check_real_time() {
    const Write* earliest = nullptr;
    for (auto at = told_.rbegin(); at != told_.rend(); ++at) {
      const Told& told = at->second;
      if (!told.write) continue;
      const Write& write = writes_[*told.write];
      const Op& invoke = history_[write.lines.invoke];
      if (earliest != nullptr && history_[earliest->lines.complete].time < invoke.time) {
        const Op& done = history_[watches_[told.watch].lines.complete];
        breach(done, "real time", {earliest->lines, write.lines, watches_[told.watch].lines}, [&] {
          return "revision " + std::to_string(at->first) + " is the write of " + who(invoke) +
                 ", which was invoked after that of " + who(history_[earliest->lines.invoke]) +
                 " had been acknowledged, at revision " + std::to_string(*earliest->told_at);
        });
      }
      if (write.fate != Fate::kAcknowledged) continue;
      if (earliest == nullptr ||
          history_[write.lines.complete].time < history_[earliest->lines.complete].time) {
        earliest = &write;
      }
    }
  }

  void check_told(const Write& write) {
    if (write.fate == Fate::kUnknown && write.told_at) ++unknown_told_;
    if (write.fate != Fate::kAcknowledged || !attributed(write.key)) return;
    ++acknowledged_;
    const Op& ok = history_[write.lines.complete];
    const Index revision = ok.at.index;
    if (write.told_at && (revision == 0 || *write.told_at == revision)) {
      ++result_.evaluated;
      return;
    }
    const auto covering = [&](Index at) {
      return std::find_if(watches_.begin(), watches_.end(),
                          [&](const Watch& watch) { return watch.covers(at, write.key); });
    };
    if (write.told_at) {
      const Watch& watch = *covering(*write.told_at);
      breach(history_[watch.lines.complete], "loss", {write.lines, watch.lines}, [&] {
        return "the write of " + text_of(write.value) + " to key " + std::to_string(write.key) +
               " by " + who(ok) + " was acknowledged at revision " + std::to_string(revision) +
               ", and told of at revision " + std::to_string(*write.told_at);
      });
      return;
    }
    const auto watch = revision == 0 ? watches_.end() : covering(revision);
    if (watch == watches_.end()) {
      ++uncovered_;
      return;
    }
    const Op& done = history_[watch->lines.complete];
    breach(done, "loss", {write.lines, watch->lines}, [&] {
      return "the write of " + text_of(write.value) + " to key " + std::to_string(write.key) +
             " by " + who(ok) + " was acknowledged at revision " + std::to_string(revision) + "; " +
             who(done) + " watched " + span(*watch) + " and was not told of it";
    });
  }

  // ---- words
  // --------------------------------------------------------------------------------------

  static std::string who(const Op& op) { return "process " + std::to_string(op.process); }
  static std::string what(const WatchedChange& change) {
    return "revision " + std::to_string(change.revision) + " (key " + key_text(change.key) + " = " +
           text_of(change.value) + ")";
  }
  static std::string span(const Watch& watch) {
    return "revisions " + std::to_string(watch.from) + " to " + std::to_string(watch.upto);
  }

  template <class Summary>
  void breach(const Op& shows, const char* kind, std::vector<OpPair> lines, Summary summary) {
    result_.verdict = Verdict::kInvalid;
    ++result_.violation_count;
    if (result_.violations.size() == kMaxViolations) return;
    Violation violation;
    violation.property = "WATCH";
    violation.kind = kind;
    violation.summary = summary();
    violation.time = shows.time;
    std::set<std::uint32_t> numbers;
    for (const OpPair& pair : lines) {
      numbers.insert(pair.invoke);
      if (pair.complete != kNoLine) numbers.insert(pair.complete);
    }
    for (const std::uint32_t line : numbers) violation.witness.push_back(history_[line]);
    if (shows.node != kNobody) violation.nodes = {name_of(shows.node)};
    result_.violations.push_back(std::move(violation));
  }

  void conclude() {
    result_.numbers["watchers"] = static_cast<double>(watchers_.size());
    result_.numbers["watches"] = static_cast<double>(watches_.size());
    result_.numbers["revisions"] = static_cast<double>(told_.size());
    result_.numbers["compacted"] = static_cast<double>(compacted_);
    result_.numbers["acknowledged"] = static_cast<double>(acknowledged_);
    result_.numbers["acknowledged-uncovered"] = static_cast<double>(uncovered_);
    result_.numbers["unknown-told"] = static_cast<double>(unknown_told_);
    if (result_.verdict == Verdict::kInvalid) {
      result_.reason = result_.violations.front().summary;
    } else if (told_.empty()) {
      result_.verdict = Verdict::kUnknown;
      result_.reason = "nobody was told of any change";
    } else if (!written_twice_.empty()) {
      result_.verdict = Verdict::kUnknown;
      result_.reason = "key " + std::to_string(*written_twice_.begin()) +
                       " is written the same value twice: its changes do not name their writes";
    }
  }

  const History& history_;
  CheckResult result_;
  std::vector<Watch> watches_;  // in the order in which they ended
  std::vector<Write> writes_;
  std::map<std::pair<std::uint64_t, Value>, std::size_t> by_value_;
  std::set<std::uint64_t> unattributed_;
  std::set<std::uint64_t> written_twice_;
  std::set<std::int64_t> watchers_;
  std::map<Index, Told> told_;
  std::map<std::uint64_t, std::vector<Index>> revisions_of_;
  std::uint64_t compacted_ = 0;
  std::uint64_t acknowledged_ = 0;
  std::uint64_t uncovered_ = 0;
  std::uint64_t unknown_told_ = 0;
};

}  // namespace

CheckResult check_watch(const History& history) {
  return WatchCheck(history).run();
}

bool has_watches(const History& history) {
  return std::any_of(history.begin(), history.end(),
                     [](const Op& op) { return op.f == Func::kWatch; });
}

}  // namespace ww::checkers
