// The replicated key-value machine with client sessions: a pure value that applies commands.
//
// Sessions make a retried command execute once (Ongaro's dissertation 2014, section 6.3): each
// session remembers its last sequence number and the answer to it, until it expires: a client that
// comes back later is told so, and its command is not executed, for whether it was executed before
// is not known any more.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "base/wire/kv.hpp"
#include "base/wire/trace.hpp"
#include "nodes/bugs/bugs.hpp"
#include "nodes/kv/changes.hpp"
#include "nodes/kv/limits.hpp"

namespace ww::kv {

/// The answer to one applied command, without the request's number.
struct Applied {
  wire::ClientReply reply;
  wire::trace::Execution execution = wire::trace::Execution::kExecuted;
};

/// Says what one machine would say that applied the same commands. A regular value.
class Machine {
 public:
  explicit Machine(Limits limits = {}) : limits_(limits) {}

  /// Applies the command of the log entry at `at`.
  ///
  /// Shape:    one command -> one answer; the state depends on the commands and positions alone.
  /// Requires: positions ascend from call to call.
  /// Errors:   in the reply. An unknown or expired session is kFailed/kExpired; a sequence number
  ///           that its session has left behind is kUnknown/kExpired, for an earlier attempt may
  ///           have executed; a session over the limit is kFailed/kBusy. Of these, none changes
  ///           anything, but for the sessions that expire by then.
  Applied apply(LogPosition at, const wire::CommandView& command, bugs::Switches& bugs);
  Applied apply(LogPosition at, const wire::Command& command, bugs::Switches& bugs) {
    return apply(at, wire::view_of(command), bugs);
  }

  /// What a read of `key` sees: `exists`, `value`, ok.
  [[nodiscard]] wire::ClientReply read(std::string_view key) const;

  /// What became of the keys lately.
  [[nodiscard]] const Changes& changes() const { return changes_; }

  /// Equal for machines of equal content, sessions and recent changes included.
  [[nodiscard]] std::uint64_t digest() const { return digest_ + changes_.digest(); }

  /// Appends the content as a snapshot holds it: varint keys, each as bytes key, bytes value;
  /// varint sessions, each as varint id, varint seq, its reply; the recent changes. Ascending.
  void encode(std::string& out) const;
  /// The machine of that content, within `limits`. Its digest is computed anew.
  /// Errors: kCorrupt, definite: what encode() did not write.
  static Result<Machine> decode(std::string_view bytes, Limits limits);

  [[nodiscard]] std::size_t key_count() const { return data_.size(); }
  [[nodiscard]] std::size_t session_count() const { return sessions_.size(); }
  /// As a machine that no session was ever opened at. (What a wrong node saves.)
  void forget_sessions();

  friend bool operator==(const Machine&, const Machine&) = default;
  /// Every member, for checkpoints (nodes/raft/checkpoint.hpp).
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("limits", s.limits_), v("data", s.data_), v("sessions", s.sessions_);
    v("by_use", s.by_use_), v("digest", s.digest_), v("changes", s.changes_);
  }

 private:
  struct Session {
    std::uint64_t seq = 0;     // of the last command executed; 0 before the first
    wire::ClientReply reply;   // to it, with its position: that of the session's last use
    std::uint64_t digest = 0;  // what this session adds to digest_
    friend bool operator==(const Session&, const Session&) = default;
    template <class Self, class V>
    static void fields(Self& s, V& v) {
      v("seq", s.seq), v("reply", s.reply), v("digest", s.digest);
    }
  };
  using Data = std::map<std::string, std::string, std::less<>>;
  void expire(Index now);
  Applied open_session(LogPosition at);
  wire::ClientReply execute(LogPosition at, const wire::CommandView& command);
  void change(Index revision, Data::iterator place, std::string_view key, std::string_view value);
  void put(Data::iterator place, std::string_view key, std::string_view value, std::uint64_t hash);
  void remove(Index revision, Data::iterator place);
  void remember(SessionId id, Session& session, std::uint64_t seq, const wire::ClientReply& reply);

  Limits limits_;
  Data data_;
  std::map<SessionId, Session> sessions_;
  std::map<Index, SessionId> by_use_;  // the same, by the position of their last use
  std::uint64_t digest_ = 0;           // of data and sessions
  Changes changes_;
};

/// A hash of everything an answer says, apart from the request's number and the leader's name.
std::uint64_t hash_of(const wire::ClientReply& reply);

}  // namespace ww::kv
