// Hand-made evidence of a small cluster, step by step, with real frames and real segment files.
//
// A Tale records what the sinks would be told; one field of it can then be changed before it is
// told.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <variant>
#include <vector>

#include "base/evidence.hpp"
#include "base/wire/peer.hpp"
#include "base/wire/trace.hpp"
#include "checkers/invariants/invariant_checker.hpp"

namespace ww::test {

struct Step {
  enum class Kind { kStart, kTrace, kDeath, kDisk, kFrame, kOp };
  Kind kind = Kind::kTrace;
  NodeId node;
  Incarnation incarnation = 0;
  wire::trace::Record record;  // its time is the time of every step
  Death how = Death::kKilled;
  bool torn = false;
  DiskImage before;
  DiskImage after;
  // A frame: encoded when it is told, so that its message can be changed.
  NodeId to;
  MessageId id;
  wire::PeerMessage message;
  std::string entries;
  Op op;
};

struct TaleEntry {
  Term term = 0;
  std::string payload;  // empty: a no-op
  bool configures = false;
};

/// What the last written but unsynced bytes of a node come to at its death.
enum class Fate { kKilled, kPowerLossOfAll, kPowerLossOfNothing, kWiped };

class Tale {
 public:
  explicit Tale(std::uint32_t nodes);

  // Single steps.
  Tale& start(int n);
  Tale& role(int n, wire::Role role, Term term, std::vector<int> granters = {});
  Tale& vote(int n, int candidate, Term term, LogPosition candidate_last, bool granted = true,
             bool pre = false);
  Tale& append(int n, std::vector<TaleEntry> entries);
  Tale& configure(int n, Term term, const wire::Configuration& configuration);
  /// `n`, which just started, says that this was in force before its log.
  Tale& begin_with(int n, const wire::Configuration& configuration);
  /// And that its log has the configuration at `index`.
  Tale& tell_appended(int n, Index index);
  Tale& cut(int n, Index from);
  /// Writes what was not written yet: a cut, entries, and term and vote if they changed.
  Tale& write(int n);
  Tale& sync(int n);
  Tale& commit(int n, Index index);
  Tale& apply_to_commit(int n);
  MessageId send(int n, int to, const wire::PeerMessage& message);
  Tale& receive(int n, int from, MessageId id);
  Tale& client_ok(int n, LogPosition at);
  /// A read by a lease that was judged at `checked`.
  Tale& lease_read(int n, Instant checked);
  Tale& op_ok(LogPosition at);
  Tale& die(int n, Fate fate = Fate::kKilled, bool torn = false);
  Tale& set_term(int n, Term term, int vote);

  // Whole exchanges.
  /// `n` stands and wins with the votes of `granters` (itself not named).
  Tale& elect(int n, Term term, std::vector<int> granters);
  Tale& write_and_sync(int n) { return write(n).sync(n); }
  /// An append from `n` to `to` of all that follows `prev`, its write and its answer's sending.
  /// Returns the answer.
  /// `in_doubt`: the answer says so.
  MessageId replicate(int n, int to, Index prev, bool in_doubt = false);
  /// `n` takes a snapshot of what it applied, and has it durable.
  Tale& snapshot(int n);
  /// `from` sends its snapshot to `n`, which installs it and acknowledges; the leader consumes
  /// that. `kept`: the log behind it is.
  Tale& install(int n, int from, bool kept);
  /// The same, and the leader consumes the answer.
  Tale& replicate_fully(int n, int to, Index prev);

  /// The time of the last step.
  [[nodiscard]] Instant now() const { return Instant{microseconds(clock_)}; }
  [[nodiscard]] LogPosition last(int n) const;
  [[nodiscard]] LogPosition at(int n, Index index) const;
  [[nodiscard]] std::string encoded(int n, Index first, Index last) const;

  std::vector<Step> steps;

 private:
  struct Member {
    Incarnation incarnation = 0;
    std::uint64_t sequence = 0;
    std::uint64_t messages = 0;
    Term term = 0;
    NodeId vote;
    std::vector<TaleEntry> log;
    Index commit = 0;
    Index applied = 0;
    std::uint64_t digest = 0;
    LogPosition snapshot;
    std::uint64_t snapshot_digest = 0;
    std::string content;  // of the snapshot
    LogPosition pending_reset;
    // Its disk.
    DiskImage files;
    DiskImage durable;
    Term written_term = 0;
    NodeId written_vote;
    Term synced_term = 0;
    NodeId synced_vote;
    Index written = 0;
    Index synced = 0;
    std::uint64_t segment = 0;
    std::uint64_t synced_segment = 0;
    std::uint64_t synced_offset = 0;
    Index pending_cut = 0;
    std::uint64_t writes = 0;
  };
  struct Posted {
    wire::trace::Summary message;
  };

  Member& member(int n) { return members_[static_cast<std::size_t>(n)]; }
  [[nodiscard]] const Member& member(int n) const { return members_[static_cast<std::size_t>(n)]; }
  void trace(int n, wire::trace::Event event);
  void tell_configuration(int n, Index index, wire::trace::ConfigurationAct act);
  void store(int n, wire::trace::StoreOp op, std::string data = {});
  void store_file(int n, wire::trace::StoreOp op, const std::string& name, std::string data = {});
  void save(int n, LogPosition at, const std::string& content);
  [[nodiscard]] wire::trace::Snapshot told(int n, wire::trace::SnapshotAct act, bool kept) const;
  void new_segment(int n);
  void record(int n, std::uint8_t kind, std::string body);
  [[nodiscard]] std::string file(int n) const;
  Instant tick() { return Instant{microseconds(++clock_)}; }

  std::vector<Member> members_;
  std::map<std::pair<int, std::uint64_t>, Posted> posted_;
  std::int64_t clock_ = 0;
};

/// Tells the steps to a checker of `nodes` voters and yields its results by id. The tales are
/// quick: elections follow each other at once.
std::map<std::string, CheckResult> tell(const std::vector<Step>& steps, std::uint32_t nodes,
                                        checkers::InvariantOptions options = {
                                            .voters = {},
                                            .leases = true,
                                            .lease_promise = nanoseconds(1)});

/// All violations as text, for INFO.
std::string violations_of(const std::map<std::string, CheckResult>& results);

/// The event of `step` if it is a `T` of node `n`, else nullptr.
template <class T>
T* event_of(Step& step, int n) {
  if (step.kind != Step::Kind::kTrace || step.node.value != static_cast<std::uint32_t>(n)) {
    return nullptr;
  }
  return std::get_if<T>(&step.record.event);
}

}  // namespace ww::test
