// One client: a process of the history with its connection, its session and at most one op in hand.
//
// An op is a chain of attempts. Each ends in one of three ways: answered; refused for sure (a
// definite refusal, or nothing was sent); or unknown (the connection died, time ran out, the node
// says so). One unknown attempt makes a mutation `info`, whatever the others said; a chain of
// refusals is `fail`. Reads change nothing, so theirs is `fail` in both cases.
//
// A worker in mode `stay` asks its own node once per op, like Jepsen's clients: that is how a
// deposed leader keeps being asked. A worker in mode `follow` goes where the hints lead and tries
// again within the op's deadline, always with the same (session, sequence number), so that the
// state machine can recognise the retry (dissertation, 6.3).
//
// A watch goes on from the revision behind the last one, over all ops of the worker; within an op a
// stream that breaks is resumed at the next node, and every few ops begin at the next one anyway.
// It ends with what it was told, when that is enough or its time is up.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/ids.hpp"
#include "base/op.hpp"
#include "base/time.hpp"
#include "workloads/actions.hpp"
#include "workloads/generator.hpp"
#include "workloads/ledger.hpp"
#include "workloads/watching.hpp"

namespace ww::workloads {

struct WorkerOptions {
  std::uint32_t nodes = 5;   // that workers sit beside
  std::uint32_t spares = 0;  // so many more may be asked by those who follow
  std::uint32_t concurrency = 10;
  Duration stay_timeout = seconds(1);
  Duration follow_timeout = seconds(4);          // long enough to outlive an election
  Duration attempt_timeout = milliseconds(250);  // of one attempt in mode follow
  Duration connect_timeout = milliseconds(250);
  Duration watch_time = milliseconds(500);  // of an op that watches
  Duration pause = milliseconds(20);        // before trying again; doubles up to max_pause
  Duration max_pause = milliseconds(160);
};

enum class Mode : std::uint8_t { kStay, kFollow };

class Worker {
 public:
  /// Where a step writes.
  struct Step {
    Instant now;
    Ledger& ledger;
    Actions& actions;
  };

  Worker(std::uint32_t number, Mode mode, const WorkerOptions& options);

  /// Opens the connection.
  void start(const Step& step);
  /// Invokes an op. `first`: the node to ask first (mode follow), or kNobody for where it is.
  /// REQUIRES: idle().
  void begin(const Step& step, const Call& call, Instant arrived, NodeId first = kNobody);
  void on_timer(const Step& step);
  void on_reply(const Step& step, const wire::ClientReply& reply);
  void on_watch_frame(const Step& step, const wire::WatchFrame& frame);
  void on_connected(const Step& step, NodeId node);
  void on_connection_lost(const Step& step, NodeId node, bool refused);
  /// Ends the op in hand as the rules demand and closes the connection for good.
  void stop(const Step& step);
  /// From the next op on.
  void set_mode(Mode mode) { mode_ = mode; }
  /// From now on it speaks to these nodes only. REQUIRES: idle(), and `nodes` sorted, not empty.
  void confine(const Step& step, const std::vector<NodeId>& nodes);

  [[nodiscard]] bool idle() const { return !op_.has_value(); }
  [[nodiscard]] ClientId client() const { return ClientId{number_ + 1}; }
  [[nodiscard]] std::int64_t process() const { return process_; }
  [[nodiscard]] NodeId node() const { return node_; }
  /// The first revision that its watches were not told of.
  [[nodiscard]] Index cursor() const { return cursor_; }
  /// How its latest op ended; kInvoke when none has.
  [[nodiscard]] OpType last_outcome() const { return last_outcome_; }
  /// The earliest instant at which on_timer does something.
  [[nodiscard]] Instant deadline() const;

 private:
  enum class Link : std::uint8_t { kDown, kConnecting, kUp, kClosed };
  struct InHand {
    Call call;
    Mode mode = Mode::kStay;
    Instant arrived{};
    Instant deadline{};
    std::uint64_t seq = 0;    // 0 until its first attempt that needs one
    std::uint32_t tries = 0;  // attempts and failed openings so far: the pause grows with them
    std::uint32_t sent = 0;
    bool maybe = false;  // an attempt ended unknown
    std::string error;   // why the latest attempt failed
    std::optional<Watching> watch;
  };
  struct Awaited {
    std::uint64_t request = 0;
    bool opening = false;  // of a session
    Instant deadline = kNever;
  };

  void connect(const Step& step, NodeId node);
  void connect_later(Instant when);
  void hang_up(const Step& step);
  [[nodiscard]] NodeId home() const;
  [[nodiscard]] NodeId after(NodeId node) const;
  [[nodiscard]] bool may_ask(NodeId node) const;
  [[nodiscard]] Duration backoff(std::uint32_t failures) const;

  void send_if_ready(const Step& step);
  void on_opened(const Step& step, const wire::ClientReply& reply);
  void on_refused(const Step& step, const wire::ClientReply& reply, bool opening);
  void lose_link(const Step& step, bool was_up);
  void move_to(const Step& step, NodeId node);
  void attempt_failed(const Step& step, bool known, std::string_view why);
  void finish(const Step& step, Op op);
  void give_up(const Step& step);
  void time_out(const Step& step);
  [[nodiscard]] Op line(OpType type) const;

  // worker_watch.cpp
  void begin_watch(const Step& step);
  void open_watch(const Step& step);
  void send_watch(const Step& step, wire::WatchRequest request);
  void on_watch_ended(const Step& step);
  void finish_watch(const Step& step);
  void note_read(const Op& op);

  std::uint32_t number_;
  Mode mode_;
  WorkerOptions options_;
  std::vector<NodeId> nodes_;  // that it may speak to
  std::int64_t process_;

  Link link_ = Link::kDown;
  NodeId node_;
  Instant link_timer_ = kNever;  // down: connect again; connecting: give it up
  std::uint32_t connect_failures_ = 0;
  std::uint64_t last_request_ = 0;  // grows over all connections, so it names content

  SessionId session_;
  std::uint64_t last_seq_ = 0;

  Index cursor_ = 1;                        // the first revision that its watches were not told of
  std::uint64_t watches_ = 0;               // ops
  std::optional<std::uint64_t> compacted_;  // the key of a watch that could not go on

  std::optional<InHand> op_;
  std::optional<Awaited> awaited_;
  Instant retry_at_{};  // no attempt before
  OpType last_outcome_ = OpType::kInvoke;
};

}  // namespace ww::workloads
