#include "tests/unit/raft_cluster.hpp"

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "nodes/raft/checkpoint.hpp"

namespace ww::raft::testing {

namespace {

void apply(Disk& disk, const DiskWrite& w) {
  if (w.write.settles_doubt) disk.in_doubt = false;
  if (w.write.reset_to) {
    WW_ASSERT(disk.snapshot.at.index >= w.write.reset_to->index, "a log without its beginning");
    disk.base = *w.write.reset_to;
    disk.entries.clear();
  }
  if (w.write.truncate_from) {
    disk.entries.resize(static_cast<std::size_t>(*w.write.truncate_from - disk.base.index - 1));
  }
  ByteReader in(w.entries);
  for (std::uint32_t i = 0; i < w.write.entries.count; ++i) {
    WW_ASSERT(disk.last_index() + 1 == w.write.entries.first + i, "a gap in the durable log");
    const std::size_t begin = in.position();
    wire::read_entry(in);
    disk.entries.push_back(w.entries.substr(begin, in.position() - begin));
  }
  WW_ASSERT(in.done(), "a write of other entries than it names");
  if (w.write.term) {
    WW_ASSERT(*w.write.term >= disk.term, "a durable term fell");
    disk.term = *w.write.term;
    disk.vote = w.write.voted_for;
  }
}

}  // namespace

Term Disk::term_at(Index index) const {
  if (index == base.index) return base.term;
  if (index < base.index || index > last_index()) return 0;
  ByteReader in(entry(index));
  return wire::read_entry(in).term;
}

void Disk::recover() {
  const LogPosition at = snapshot.at;
  const bool goes_on = at.index >= base.index && term_at(at.index) == at.term;
  const std::size_t dropped =
      goes_on ? static_cast<std::size_t>(at.index - base.index) : entries.size();
  entries.erase(entries.begin(), entries.begin() + static_cast<std::ptrdiff_t>(dropped));
  base = at;
}

Cluster::Cluster(std::size_t size, const Config& config, Observer observer, std::size_t voters)
    : observer_(std::move(observer)), cuts_(size, std::vector<bool>(size)) {
  Config own = config;
  own.voters.clear();
  const std::size_t first = voters == 0 ? size : voters;
  for (std::uint32_t i = 1; i <= first; ++i) own.voters.push_back(NodeId{i});
  own.incarnation = 0;
  members_.resize(size);
  for (std::uint32_t i = 1; i <= size; ++i) {
    own.self = NodeId{i};
    members_[i - 1].id = own.self;
    members_[i - 1].config = own;
  }
  for (const Member& member : members_) start(member.id);
}

void Cluster::timer(NodeId node) {
  step(at(node), TimerDue{});
}

void Cluster::request(NodeId node, const Request& request) {
  step(at(node), request);
}

void Cluster::watch(NodeId node, const Watch& watch) {
  step(at(node), watch);
}

void Cluster::transfer(NodeId node, NodeId to) {
  step(at(node), TransferLeadership{to});
}

void Cluster::change(NodeId node, const ChangeMembership& change) {
  step(at(node), change);
}

void Cluster::deliver(std::size_t place) {
  const Packet packet = packets_[place];
  drop(place);
  Member& receiver = at(packet.to);
  if (!receiver.replica) return;
  const Result<wire::PeerFrame> frame = wire::decode_peer(packet.payload);
  WW_ASSERT(frame.ok(), "a replica sent what does not decode");
  step(receiver, Received{packet.from, frame->message});
}

void Cluster::complete_write(NodeId node, const Result<void>& outcome) {
  Member& member = at(node);
  DiskWrite done = std::move(member.pending.front());
  member.pending.pop_front();
  const WriteId id = done.write.id;
  const bool sync = done.write.sync;
  if (outcome.ok()) {
    member.written.push_back(std::move(done));
    if (sync) {
      for (const DiskWrite& w : member.written) apply(member.disk, w);
      member.written.clear();
    }
  } else {
    member.pending.clear();  // A storage that failed refuses everything later.
  }
  step(member, Written{id, outcome});
}

void Cluster::complete_save(NodeId node, const Result<void>& outcome) {
  Member& member = at(node);
  const DiskSave done = std::move(*member.saving);
  member.saving.reset();
  if (outcome.ok()) member.disk.snapshot = done.snapshot;
  step(member, Saved{done.id, outcome});
}

void Cluster::crash(NodeId node, std::size_t kept, bool saved) {
  Member& member = at(node);
  member.replica.reset();
  if (saved && member.saving) member.disk.snapshot = std::move(member.saving->snapshot);
  member.saving.reset();
  for (DiskWrite& w : member.pending) member.written.push_back(std::move(w));
  for (std::size_t i = 0; i < std::min(kept, member.written.size()); ++i) {
    apply(member.disk, member.written[i]);
  }
  member.written.clear();
  member.pending.clear();
}

void Cluster::start(NodeId node) {
  Member& member = at(node);
  ++member.config.incarnation;
  member.disk.recover();
  Durable survived;
  survived.current_term = member.disk.term;
  survived.voted_for = member.disk.vote;
  survived.base = member.disk.base;
  survived.count = member.disk.entries.size();
  survived.snapshot = member.disk.snapshot;
  survived.in_doubt = member.disk.in_doubt;
  survived.doubt = wire::trace::DoubtCause::kMissing;
  for (const std::string& entry : member.disk.entries) survived.entries += entry;
  effects_.clear();
  member.replica.emplace(member.config, std::move(survived), Now{now_, now_}, effects_);
  carry_out(member);
}

void Cluster::wipe(NodeId node) {
  WW_ASSERT(!at(node).replica, "only what is down is wiped");
  at(node).disk = Disk{};
  at(node).disk.in_doubt = true;
}

void Cluster::cut(NodeId from, NodeId to, bool is_cut) {
  cuts_[from.value - 1][to.value - 1] = is_cut;
}

/// Every step is taken by a copy too that went through its bytes, which must come out equal: a
/// replica hides no state, and a checkpoint loses none.
void Cluster::step(Member& member, const Input& input) {
  WW_ASSERT(member.replica.has_value(), "a step of a node that is down");
  checkpoint_.clear();
  encode_checkpoint(checkpoint_, *member.replica);
  Result<Replica> decoded = decode_checkpoint(checkpoint_);
  WW_ASSERT(decoded.ok() && *decoded == *member.replica, "a checkpoint is not what was encoded");
  Replica& twin = *decoded;
  effects_.clear();
  twin.step(Now{now_, now_}, input, effects_);
  const std::size_t count = effects_.size();
  effects_.clear();
  member.replica->step(Now{now_, now_}, input, effects_);
  WW_ASSERT(twin == *member.replica && effects_.size() == count, "two copies went apart");
  carry_out(member);
}

void Cluster::carry_out(Member& member) {
  for (const Effect& effect : effects_) {
    if (observer_) observer_(member, effect);
    if (const auto* write = std::get_if<Write>(&effect)) {
      member.pending.push_back({*write, std::string(member.replica->encoded(write->entries))});
    } else if (const auto* send = std::get_if<Send>(&effect)) {
      if (is_cut(member.id, send->to)) continue;
      std::string_view bulk;
      if (const auto* append = std::get_if<wire::Append>(&send->message)) {
        bulk = member.replica->encoded({append->prev.index + 1, append->count});
      } else if (const auto* piece = std::get_if<wire::InstallSnapshot>(&send->message)) {
        bulk = member.replica->chunk(*piece);
      }
      Packet packet{member.id, send->to, send->id, wire::type_of(send->message), {}};
      wire::encode_peer(packet.payload, packet.from, packet.to, packet.id, send->message, bulk);
      packets_.push_back(std::move(packet));
    } else if (const auto* save = std::get_if<Save>(&effect)) {
      WW_ASSERT(!member.saving, "two saves at a time");
      member.saving = DiskSave{save->id, {save->at, std::string(member.replica->being_saved())}};
    }
  }
}

}  // namespace ww::raft::testing
