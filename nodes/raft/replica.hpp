// All of Raft in one value: no clock, socket, disk, thread or logger.
//
// One door: step(now, input, effects). The paper's names are used throughout (Ongaro & Ousterhout
// 2014, figure 2; Ongaro's dissertation 2014, chapters 3, 4, 6 and 9.6). The rules stand in files
// by subject: replica.cpp (the door, time, durability), election.cpp, replication.cpp, clients.cpp,
// snapshots.cpp, transfer.cpp, lease.cpp, remote_reads.cpp, membership.cpp, watches.cpp, doubt.cpp.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "nodes/kv/machine.hpp"
#include "nodes/raft/configuration.hpp"
#include "nodes/raft/contract.hpp"
#include "nodes/raft/durability.hpp"
#include "nodes/raft/log.hpp"
#include "nodes/raft/marks.hpp"
#include "nodes/raft/progress.hpp"
#include "nodes/raft/roles.hpp"
#include "nodes/raft/watcher.hpp"

namespace ww::raft {

/// Messages are numbered in each incarnation; the number stands below that of the incarnation.
inline constexpr unsigned kMessageCounterBits = 44;

/// A member of a Raft cluster with its log, its sessions and its key-value machine. A regular
/// value: copy it to fork a universe, compare it to prove determinism.
class Replica {
 public:
  /// Wakes as a follower with what survived the crash. The state machine starts from the snapshot,
  /// or empty, and is rebuilt as the commit index becomes known.
  ///
  /// REQUIRES: config.voters are a sound configuration; `survived` is what a storage layer decoded:
  ///           entries well formed, terms that never fall, configurations and a snapshot that
  ///           decode.
  Replica(Config config, Durable survived, Now now, Effects& effects);

  /// Consumes one input and appends what is to be done, in order: every trace event stands before
  /// the effect it describes. At most one Write is issued in a step. (Raft paper, figure 2.)
  ///
  /// REQUIRES: now.mono never falls; writes complete in issue order, each once, and so do saves,
  ///           in no order with the writes; peers' messages come from wire::decode_peer or are such
  ///           that it would accept them.
  void step(Now now, const Input& input, Effects& effects);

  /// When to deliver TimerDue if nothing else arrives; kNever once halted. An earlier one does
  /// nothing.
  [[nodiscard]] Instant deadline() const;

  /// From here on election timeouts are drawn from `seed`: a world forks its future.
  void reseed(std::uint64_t seed) { config_.seed = seed; }

  /// The encoded entries that a Write or an Append of the last step names. Valid until the next
  /// step.
  [[nodiscard]] std::string_view encoded(wire::EntryRange range) const {
    return log_.encoded(range);
  }

  /// The bytes of a snapshot's piece that was sent in the last step. Valid until the next step.
  [[nodiscard]] std::string_view chunk(const wire::InstallSnapshot& m) const;
  /// What the last Save asks to be saved. REQUIRES: it is not done. Valid until it is.
  [[nodiscard]] std::string_view being_saved() const { return saving_->snapshot.bytes; }

  [[nodiscard]] NodeId self() const { return config_.self; }
  [[nodiscard]] wire::Role role() const { return static_cast<wire::Role>(role_.index()); }
  [[nodiscard]] Term current_term() const { return hard_.term; }
  [[nodiscard]] NodeId voted_for() const { return hard_.vote; }
  /// Whom this node takes for the leader of its term; kNobody when it knows none.
  [[nodiscard]] NodeId leader() const;
  [[nodiscard]] Index commit_index() const { return commit_index_; }
  [[nodiscard]] Index last_applied() const { return last_applied_; }
  [[nodiscard]] LogPosition last() const { return log_.last(); }
  [[nodiscard]] const Log& log() const { return log_; }
  /// The durable one that the next start begins with.
  [[nodiscard]] const Snapshot& snapshot() const { return snapshot_; }
  [[nodiscard]] const Durability& durability() const { return durability_; }
  /// The one in force here, committed or not.
  [[nodiscard]] const Configuration& configuration() const { return configurations_.latest(); }
  [[nodiscard]] const kv::Machine& machine() const { return machine_; }
  /// Whether it may have lost what it acknowledged, and no leader has covered it.
  [[nodiscard]] bool in_doubt() const { return in_doubt_; }
  /// The digest of the state machine after last_applied().
  [[nodiscard]] std::uint64_t digest() const { return machine_.digest(); }
  [[nodiscard]] const bugs::Switches& bugs() const { return config_.bugs; }

  friend bool operator==(const Replica&, const Replica&) = default;
  /// Every member, for checkpoints (checkpoint.hpp) and for people (describe.hpp).
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("role", s.role_), v("hard_state", s.hard_), v("log", s.log_);
    v("commit_index", s.commit_index_), v("last_applied", s.last_applied_);
    v("snapshot", s.snapshot_), v("saving", s.saving_), v("incoming", s.incoming_);
    v("saves", s.saves_), v("snapshot_due", s.snapshot_due_), v("reset_to", s.reset_to_);
    v("durability", s.durability_), v("held", s.held_), v("truncated_from", s.truncated_from_);
    v("appended_from", s.appended_from_), v("election_due", s.election_due_);
    v("timeout", s.timeout_), v("draws_in_term", s.draws_in_term_);
    v("messages_sent", s.messages_sent_), v("rare_paths", s.rare_paths_);
    v("in_doubt", s.in_doubt_), v("doubt_settled", s.doubt_settled_);
    v("led_at", s.led_at_), v("promised_until", s.promised_until_),
        v("promised_by_start", s.promised_by_start_), v("remote_reads", s.remote_reads_);
    v("questions", s.questions_), v("configurations", s.configurations_);
    v("watchers", s.watchers_);
    v("machine", s.machine_), v("config", s.config_);
  }
  friend Result<Replica> decode_checkpoint(std::string_view bytes);

 private:
  Replica() = default;  // to be filled by decode_checkpoint
  /// One input's time and where its effects go.
  struct Step {
    Now now;
    Effects& out;
    /// Built where it stays: events are large, and a step emits several.
    template <class Event>
    void trace(Event&& event) {
      auto& effect = std::get<Trace>(out.emplace_back(std::in_place_type<Trace>));
      effect.event.template emplace<std::decay_t<Event>>(std::forward<Event>(event));
    }
  };
  /// A message that waits for a write.
  struct Held {
    WriteId after;
    NodeId to;
    wire::PeerMessage message;
    friend bool operator==(const Held&, const Held&) = default;
    template <class Self, class V>
    static void fields(Self& s, V& v) {
      v("after", s.after), v("to", s.to), v("message", s.message);
    }
  };

  // replica.cpp: the door.
  void on(Step& s, const TimerDue&);
  void on(Step& s, const Received& input);
  void on(Step& s, const Written& input);
  void on(Step& s, const Request& input);
  void on(Step& s, const Saved& input);
  void on(Step& s, const TransferLeadership& input);
  void on(Step& s, const ChangeMembership& input);
  void on(Step& s, const Watch& input);
  void trace_bugs(Step& s, const bugs::Switches& before);
  void mark(Step& s, RarePath path);
  // replica.cpp: time.
  void draw_timeout();
  void restart_election_timer(Now now);
  [[nodiscard]] Instant disk_due() const;
  // replica.cpp: durability.
  void issue_write(Step& s);
  void send(Step& s, NodeId to, const wire::PeerMessage& message);
  void send_after(Step& s, WriteId needed, NodeId to, const wire::PeerMessage& message);
  WriteId needed_for_term(Step& s);
  WriteId needed_for_ack(Step& s, Index match);
  void release_held(Step& s, WriteId done);
  void halt(Step& s, std::string reason);

  // election.cpp
  void start_pre_vote(Step& s);
  void start_election(Step& s, const std::vector<NodeId>& pre_granters, bool transfer);
  void count_own_vote(Step& s);
  void become_follower(Step& s, Term term, NodeId leader);
  void become_leader(Step& s, std::vector<NodeId> granters);
  [[nodiscard]] bool leader_is_current(Now now) const;
  [[nodiscard]] bool is_up_to_date(LogPosition candidate_last);
  [[nodiscard]] bool may_vote_for(NodeId candidate, Term term) const;
  [[nodiscard]] bool is_quorum(const std::vector<NodeId>& granters);
  void on_message(Step& s, NodeId from, const wire::PreVote& m);
  void on_message(Step& s, NodeId from, const wire::PreVoteReply& m);
  void on_message(Step& s, NodeId from, const wire::Vote& m);
  void on_message(Step& s, NodeId from, const wire::VoteReply& m);

  // replication.cpp
  void on_message(Step& s, NodeId from, const wire::Append& m);
  void on_message(Step& s, NodeId from, const wire::AppendReply& m);
  [[nodiscard]] bool log_holds(const wire::Append& m) const;
  bool accept_entries(Step& s, const wire::Append& m);
  void remove_entries(Step& s, Index from);
  void reject_append(Step& s, NodeId from, const wire::Append& m);
  /// Notes an answer of a peer in our term as its leader; nullptr when it is none.
  Progress* hear(Step& s, NodeId from, Term term, std::uint64_t round, Incarnation doubt);
  void take_match(Step& s, Progress& peer, Index match);
  void on_leader_timer(Step& s);
  bool check_quorum(Step& s);
  void broadcast(Step& s);
  void replicate(Step& s);
  void send_append(Step& s, Progress& peer, wire::EntryRange range);
  void send_entries(Step& s, Progress& peer);
  void append_own(Step& s, wire::EntryKind kind, std::string_view payload);
  void release_gathered(Step& s);
  void advance_leader_commit(Step& s);
  /// The highest value that a quorum has reached: `own`, and what `of` tells of each peer.
  template <class T, class Of>
  [[nodiscard]] T quorum_of(T own, Of of);
  [[nodiscard]] Index quorum_match(Index own);
  [[nodiscard]] std::uint64_t quorum_round();
  void commit_to(Step& s, Index index);

  // snapshots.cpp
  [[nodiscard]] bool snapshot_is_due(Now now) const;
  void restart_snapshot_timer(Now now);
  void start_save(Step& s);
  bool install(Step& s, LogPosition at, SnapshotContent content);
  void drop_prefix();
  void on_message(Step& s, NodeId from, const wire::InstallSnapshot& m);
  std::uint64_t take_piece(Step& s, NodeId from, const wire::InstallSnapshot& m);
  [[nodiscard]] bool needs_snapshot(const Progress& peer) const;
  void begin_transfer(Progress& peer);
  void forget_transfers();
  void send_piece(Step& s, Progress& peer);
  void on_message(Step& s, NodeId from, const wire::InstallSnapshotReply& m);

  // transfer.cpp
  [[nodiscard]] bool may_take_over(NodeId node) const;
  void advance_transfer(Step& s);
  void give_up_transfer(Step& s);
  void on_message(Step& s, NodeId from, const wire::TimeoutNow& m);

  // doubt.cpp
  void begin_in_doubt(Step& s, const Durable& survived);
  [[nodiscard]] bool keeps_out(Step& s);
  [[nodiscard]] Incarnation doubt_mark() const;
  void take_cover(Step& s, const wire::Append& m);
  void hear_doubt(Step& s, Progress& peer, Incarnation incarnation);
  [[nodiscard]] Incarnation cover_for(Step& s, Progress& peer);

  // lease.cpp
  void promise(Now now);
  [[nodiscard]] bool promise_binds(Now now);
  void note_round(Now now);
  void renew_lease(Now now);
  [[nodiscard]] bool lease_holds(Now now);
  bool serve_by_lease(Step& s, const PendingRead& read);

  // remote_reads.cpp
  void ask_for_index(Step& s, PendingRead read);
  void tell_index(Step& s, const PendingRead& read, Index index);
  void serve_remote_reads(Step& s);
  void give_up_remote_reads(Step& s, Instant now, wire::Refusal why);
  void on_message(Step& s, NodeId from, const wire::ReadIndex& m);
  void on_message(Step& s, NodeId from, const wire::ReadIndexReply& m);

  // membership.cpp
  void adopt(Step& s, Index index, const wire::EntryView& entry);
  void revert_configurations(Step& s, Index from);
  void trace_configuration(Step& s, wire::trace::ConfigurationAct act);
  [[nodiscard]] bool may_stand() const;
  void wait_for_leader(Step& s);
  [[nodiscard]] bool knows_members() const;
  void follow_configuration(Step& s, Index next);
  [[nodiscard]] bool is_strange(NodeId from, const wire::PeerMessage& message) const;
  void append_configuration(Step& s, const Configuration& configuration);
  void advance_membership(Step& s);
  [[nodiscard]] bool could_commit(const std::vector<NodeId>& voters);
  void catch_up(Step& s);
  bool leave(Step& s);
  [[nodiscard]] Progress* peer_of(NodeId node);
  // watches.cpp
  void open_watch(Step& s, const Watch& input);
  void misplace(Watcher& watcher);
  void serve_watchers(Step& s);
  bool serve_watcher(Step& s, Watcher& watcher, Index upto, const kv::Changes& changes);
  bool tell_watcher(Step& s, Watcher& watcher, Index first, Index applied,
                    const kv::Changes& changes);
  void end_watch(Step& s, Watcher& watcher, wire::Refusal why);
  void end_watches(Step& s, wire::Refusal why);

  // clients.cpp
  void take_write(Step& s, const Request& request);
  void take_read(Step& s, const Request& request);
  void take_index_read(Step& s, PendingRead read);
  void start_read_round(Step& s);
  void bind_reads(Step& s);
  void confirm_reads(Step& s);
  void serve(Step& s, const PendingRead& read, Index read_index);
  void apply_entry(Step& s, Index index);
  void fail_pending(Step& s, wire::Refusal why);
  void answer(Step& s, const RequestId& id, SessionId session, std::uint64_t seq,
              wire::ClientReply reply);
  void refuse(Step& s, const Request& request, wire::Refusal why);
  [[nodiscard]] bool own_term_committed() const;
  [[nodiscard]] bool may_index_reads();

  [[nodiscard]] Leader* as_leader() { return std::get_if<Leader>(&role_); }

  Config config_;
  HardState hard_;  // currentTerm and votedFor
  Log log_;
  Configurations configurations_;
  Durability durability_;
  kv::Machine machine_;
  Index commit_index_ = 0;
  Index last_applied_ = 0;
  RoleState role_;
  Duration timeout_{};               // the present draw from [T, 2T]
  std::uint64_t draws_in_term_ = 0;  // names the next draw
  Instant election_due_{};
  std::uint64_t messages_sent_ = 0;
  std::deque<Held> held_;                // in order of their writes
  Snapshot snapshot_;                    // the last durable one; the log's base is not behind it
  std::optional<Saving> saving_;         // one at a time
  std::optional<Incoming> incoming_;     // not being saved yet
  std::uint64_t saves_ = 0;              // so many were issued
  Instant snapshot_due_ = kNever;        // by SnapshotOptions::interval
  std::optional<LogPosition> reset_to_;  // not written yet
  std::optional<Index> truncated_from_;  // not written yet
  Index appended_from_ = 0;              // first entry not written yet; 0 when there is none
  bool in_doubt_ = false;                // may have lost what it acknowledged
  bool doubt_settled_ = false;           // not any more, which is not written yet
  Instant led_at_{};                     // a leader was heard from, or this node led
  Instant promised_until_{};             // no vote before, where there are leases
  bool promised_by_start_ = false;       // since when no leader was heard from
  std::deque<RemoteRead> remote_reads_;  // in order of their questions
  std::uint64_t questions_ = 0;          // for read indices, in this incarnation
  std::vector<Watcher> watchers_;        // in the order in which they came
  RarePathCounts rare_paths_{};
};

}  // namespace ww::raft
