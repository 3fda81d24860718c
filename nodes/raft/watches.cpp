// Watches (base/wire/watch.hpp): clients are told of the changes of keys, in order, as entries are
// applied.
//
// Any node serves them, from what it has applied: so nothing is ever told that is not committed,
// whoever leads, and a node that lags tells the same stream later. A stream is a position in the
// machine's history and no queue: what was sent and is not acknowledged is bounded, and the rest
// waits in the history until the client has taken what is on the way.
//
// Streams live as long as their clients acknowledge: the replica knows nothing of connections. A
// node that has heard from no leader for as long, be it cut off or no member any more, ends them:
// elsewhere there may be news.
#include <algorithm>
#include <optional>
#include <utility>

#include "nodes/raft/replica.hpp"

namespace ww::raft {

namespace trace = wire::trace;

namespace {

bool watches(const Watcher& watcher, const std::string& key) {
  return watcher.keys.empty() || std::binary_search(watcher.keys.begin(), watcher.keys.end(), key);
}

/// Adds the changes from `watcher.next` up to `applied` to the frame, as far as one may hold them,
/// and says how far it goes.
void fill(const Watcher& watcher, const kv::Changes& changes, Index applied,
          wire::WatchFrame& frame) {
  std::size_t bytes = 0;
  frame.upto = std::max(applied, watcher.next - 1);
  for (auto kept = changes.from(watcher.next); kept != changes.end(); ++kept) {
    const wire::Change& change = kept->change;
    if (change.revision > applied) break;
    if (!watches(watcher, change.key)) continue;
    bytes += change.key.size() + change.value.size();
    const bool full =
        frame.changes.size() == wire::kMaxWatchFrameChanges || bytes > wire::kMaxWatchFrameBytes;
    if (full && !frame.changes.empty()) {
      frame.upto = change.revision - 1;
      return;
    }
    frame.changes.push_back(change);
  }
}

}  // namespace

void Replica::on(Step& s, const Watch& input) {
  const wire::WatchRequest& request = input.request;
  if (request.verb == wire::WatchVerb::kOpen) return open_watch(s, input);
  const RequestId id{input.connection, request.stream};
  const auto found = std::find_if(watchers_.begin(), watchers_.end(),
                                  [&](const Watcher& watcher) { return watcher.id == id; });
  if (found == watchers_.end()) return;  // It has ended, and the client was told, or will see it.
  if (request.verb == wire::WatchVerb::kClose) {
    watchers_.erase(found);
    return;
  }
  found->taken = std::max(found->taken, std::min(request.frames, found->frames));
  found->heard = s.now.mono;
}

void Replica::open_watch(Step& s, const Watch& input) {
  Watcher watcher;
  watcher.id = {input.connection, input.request.request};
  watcher.keys = input.request.keys;
  watcher.next = input.request.from == 0 ? last_applied_ + 1 : input.request.from;
  watcher.heard = s.now.mono;
  s.trace(trace::Client{
      watcher.id.connection, watcher.id.request, {}, 0, false, wire::Outcome::kUnknown, {}});
  if (role() == wire::Role::kHalted) return end_watch(s, watcher, wire::Refusal::kStopped);
  // What it knows to be committed is so; but a node in doubt serves nobody.
  if (keeps_out(s)) return end_watch(s, watcher, wire::Refusal::kNotLeader);
  if (watchers_.size() >= config_.limits.max_watchers) {
    mark(s, RarePath::kBusy);
    return end_watch(s, watcher, wire::Refusal::kBusy);
  }
  const Index first = watcher.next;
  if (first < machine_.changes().oldest() &&
      !config_.bugs.flips(bugs::Bug::kWatchSilentCompaction, true)) {
    mark(s, RarePath::kWatchCompacted);
    return end_watch(s, watcher, wire::Refusal::kCompacted);
  }
  if (first <= last_applied_) {
    mark(s, RarePath::kWatchResumed);
    misplace(watcher);
  }
  // The first frame says from where on the stream holds, whatever there is to tell.
  tell_watcher(s, watcher, first, last_applied_, machine_.changes());
  watchers_.push_back(std::move(watcher));
}

/// What a wrong node makes of the place where a stream begins that goes back.
void Replica::misplace(Watcher& watcher) {
  const kv::Changes& changes = machine_.changes();
  const auto is_watched = [&](const auto& kept) { return watches(watcher, kept.change.key); };
  const auto next = std::find_if(changes.from(watcher.next), changes.end(), is_watched);
  if (config_.bugs.flips(bugs::Bug::kWatchResumeSkips, next != changes.end())) {
    watcher.next = next->change.revision + 1;
  }
  auto before = changes.from(watcher.next);
  while (before != changes.begin() && !is_watched(*std::prev(before))) --before;
  if (config_.bugs.flips(bugs::Bug::kWatchResumeRepeats, before != changes.begin())) {
    watcher.next = std::prev(before)->change.revision;
  }
}

/// Tells every watcher what was applied since, as far as it has acknowledged, and ends the streams
/// that cannot go on.
void Replica::serve_watchers(Step& s) {
  if (watchers_.empty()) return;
  Index upto = last_applied_;
  std::optional<kv::Machine> ahead;
  if (role() == wire::Role::kLeader &&
      config_.bugs.flips(bugs::Bug::kWatchUncommitted, log_.last_index() > upto)) {
    ahead = machine_;
    bugs::Switches unchanged = config_.bugs;
    while (upto < log_.last_index()) {
      const wire::EntryView entry = log_.at(++upto);
      if (entry.kind != wire::EntryKind::kCommand) continue;
      const auto command = wire::decode_command(entry.payload);
      if (command.ok()) ahead->apply({upto, entry.term}, *command, unchanged);
    }
  }
  const kv::Changes& changes = ahead ? ahead->changes() : machine_.changes();
  auto end = watchers_.begin();
  for (auto watcher = end; watcher != watchers_.end(); ++watcher) {
    if (!serve_watcher(s, *watcher, upto, changes)) continue;
    if (watcher != end) *end = std::move(*watcher);
    ++end;
  }
  watchers_.erase(end, watchers_.end());
}

/// Returns whether its stream goes on.
bool Replica::serve_watcher(Step& s, Watcher& watcher, Index upto, const kv::Changes& changes) {
  if (watcher.next < changes.oldest() && !config_.bugs.is_on(bugs::Bug::kWatchSilentCompaction)) {
    mark(s, RarePath::kWatchCompacted);
    end_watch(s, watcher, wire::Refusal::kCompacted);
    return false;
  }
  if (leader() == kNobody && s.now.mono - led_at_ >= config_.watch_patience()) {
    mark(s, RarePath::kWatchLeaderless);
    end_watch(s, watcher, wire::Refusal::kNotLeader);
    return false;
  }
  if (watcher.taken == watcher.frames) watcher.heard = s.now.mono;
  if (s.now.mono - watcher.heard >= config_.watch_patience()) {
    mark(s, RarePath::kWatchCut);
    end_watch(s, watcher, wire::Refusal::kTooSlow);
    return false;
  }
  while (watcher.next <= upto && watcher.frames - watcher.taken < wire::kWatchWindow) {
    if (!tell_watcher(s, watcher, watcher.next, upto, changes)) break;
  }
  return true;
}

/// Sends the next frame if there is something to tell: changes, or progress after some time.
bool Replica::tell_watcher(Step& s, Watcher& watcher, Index first, Index applied,
                           const kv::Changes& changes) {
  wire::WatchFrame frame;
  fill(watcher, changes, applied, frame);
  const bool due = watcher.frames == 0 || s.now.mono - watcher.told >= config_.election_timeout;
  if (frame.changes.empty() && !due) return false;
  frame.request = watcher.id.request;
  frame.number = ++watcher.frames;
  frame.first = first;
  watcher.next = frame.upto + 1;
  watcher.told = s.now.mono;
  // A stream may begin with what is still to come, and of what lies in front of the log the
  // position is not known any more.
  const bool known = frame.upto <= applied && frame.upto > log_.base().index;
  s.trace(trace::Client{watcher.id.connection,
                        watcher.id.request,
                        {},
                        0,
                        true,
                        wire::Outcome::kOk,
                        known ? LogPosition{frame.upto, log_.term_at(frame.upto)} : LogPosition{}});
  s.out.emplace_back(Notice{watcher.id, std::move(frame)});
  return true;
}

/// The stream ends here. The caller forgets the watcher.
void Replica::end_watch(Step& s, Watcher& watcher, wire::Refusal why) {
  wire::WatchFrame frame;
  frame.request = watcher.id.request;
  frame.number = ++watcher.frames;
  frame.first = watcher.next;
  frame.upto = watcher.next - 1;
  frame.refusal = why;
  if (why == wire::Refusal::kCompacted) frame.oldest = machine_.changes().oldest();
  s.trace(trace::Client{
      watcher.id.connection, watcher.id.request, {}, 0, true, wire::Outcome::kFailed, {}});
  s.out.emplace_back(Notice{watcher.id, std::move(frame)});
}

void Replica::end_watches(Step& s, wire::Refusal why) {
  for (Watcher& watcher : std::exchange(watchers_, {})) end_watch(s, watcher, why);
}

}  // namespace ww::raft
