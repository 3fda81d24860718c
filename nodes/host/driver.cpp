#include "nodes/host/driver.hpp"

#include <utility>

#include "base/assert.hpp"
#include "base/wire/frame.hpp"
#include "nodes/raft/checkpoint.hpp"

namespace ww::host {

void Output::clear() {
  events.clear();
  actions.clear();
  bytes.clear();
}

storage::Batch Output::batch(const DiskWrite& write) const {
  return {.state = write.state,
          .truncate_from = write.truncate_from,
          .first = write.range.first,
          .count = write.range.count,
          .entries = view(write.entries),
          .reset_to = write.reset_to,
          .settles_doubt = write.settles_doubt};
}

namespace {

wire::trace::DoubtCause cause_of(storage::Doubt doubt) {
  switch (doubt) {
    case storage::Doubt::kNone:
    case storage::Doubt::kTail:
      return wire::trace::DoubtCause::kTail;
    case storage::Doubt::kMissing:
      return wire::trace::DoubtCause::kMissing;
    case storage::Doubt::kStanding:
      return wire::trace::DoubtCause::kStanding;
  }
  return wire::trace::DoubtCause::kTail;
}

}  // namespace

storage::LogOptions log_options(const raft::Config& config, storage::LogOptions options) {
  options.node = config.self;
  options.trusts_damage = config.bugs.is_on(bugs::Bug::kCorruptAsTornTail);
  return options;
}

raft::Durable durable_of(storage::Survived survived) {
  return {.current_term = survived.state.term,
          .voted_for = survived.state.vote,
          .base = survived.base,
          .count = survived.count,
          .entries = std::move(survived.entries),
          .snapshot = {survived.snapshot, std::move(survived.snapshot_bytes)},
          .in_doubt = survived.doubt != storage::Doubt::kNone,
          .doubt = cause_of(survived.doubt),
          .damage_cut = survived.damage_cut};
}

Driver::Driver(raft::Config config, raft::Durable survived, const Moment& moment, Output& out)
    : self_(config.self), replica_(std::move(config), std::move(survived), moment.now, effects_) {
  out.clear();
  turn_effects(moment, out);
}

void Driver::step(const Moment& moment, const raft::Input& input, Output& out) {
  out.clear();
  if (std::holds_alternative<raft::TimerDue>(input)) {
    WW_ASSERT(moment.now.mono >= deadline(), "a timer fed before its deadline");
    if (auto flip = watch_.fire(moment.true_time, moment.now.mono)) {
      out.events.emplace_back(*flip);
    }
  }
  run(moment, input, out);
}

void Driver::receive(const Moment& moment, const wire::PeerFrame& frame, Output& out) {
  WW_ASSERT(frame.envelope.to == wire::endpoint_of(self_), "a frame for another node");
  out.clear();
  const NodeId from = wire::node_of(frame.envelope.from);
  out.events.push_back(wire::trace::Received{
      .from = from,
      .id = frame.envelope.id,
      .message = wire::trace::summarize(frame.message, wire::borrowed_by(frame.message))});
  run(moment, raft::Received{from, frame.message}, out);
}

void Driver::append_checkpoint(std::string& out) const {
  wire::encode_record(out, watch_);
  raft::encode_checkpoint(out, replica_);
}

Result<Driver> Driver::restore(std::string_view checkpoint) {
  ByteReader in(checkpoint);
  DeadlineWatch watch;
  wire::decode_record(in, watch);
  auto replica = raft::decode_checkpoint(in.rest());
  if (!replica) return replica.error();
  return Driver(std::move(*replica), watch);
}

Instant Driver::deadline() const {
  return replica_.deadline();
}

void Driver::run(const Moment& moment, const raft::Input& input, Output& out) {
  effects_.clear();
  replica_.step(moment.now, input, effects_);
  turn_effects(moment, out);
}

void Driver::turn_effects(const Moment& moment, Output& out) {
  for (raft::Effect& effect : effects_) {
    if (auto* trace = std::get_if<raft::Trace>(&effect)) {
      auto* read = std::get_if<wire::trace::Read>(&trace->event);
      if (read != nullptr && read->basis == wire::trace::ReadBasis::kLease) {
        read->checked = moment.true_time;
      }
      out.events.push_back(std::move(trace->event));
    } else if (const auto* write = std::get_if<raft::Write>(&effect)) {
      turn(*write, out);
    } else if (const auto* send = std::get_if<raft::Send>(&effect)) {
      turn(*send, out);
    } else if (auto* answer = std::get_if<raft::Answer>(&effect)) {
      out.actions.push_back({out.events.size(), Reply{answer->id, std::move(answer->reply)}});
    } else if (const auto* save = std::get_if<raft::Save>(&effect)) {
      turn(*save, out);
    } else if (auto* notice = std::get_if<raft::Notice>(&effect)) {
      out.actions.push_back({out.events.size(), Notice{notice->id, std::move(notice->frame)}});
    }
  }
  if (auto flip = watch_.arm(moment.true_time, moment.now.mono, replica_.deadline())) {
    out.events.emplace_back(*flip);
  }
}

void Driver::turn(const raft::Write& write, Output& out) {
  DiskWrite job{.id = write.id,
                .state = std::nullopt,
                .reset_to = write.reset_to,
                .truncate_from = write.truncate_from,
                .range = write.entries,
                .entries = {},
                .sync = write.sync,
                .settles_doubt = write.settles_doubt};
  if (write.term) job.state = storage::HardState{*write.term, write.voted_for};
  if (write.entries.count > 0) {
    const std::string_view entries = replica_.encoded(write.entries);
    job.entries = {out.bytes.size(), entries.size()};
    out.bytes.append(entries);
  }
  out.actions.push_back({out.events.size(), job});
}

void Driver::turn(const raft::Send& send, Output& out) {
  std::string_view bulk;
  if (const auto* append = std::get_if<wire::Append>(&send.message); append && append->count > 0) {
    bulk = replica_.encoded({append->prev.index + 1, append->count});
  } else if (const auto* piece = std::get_if<wire::InstallSnapshot>(&send.message)) {
    bulk = replica_.chunk(*piece);
  }
  out.events.push_back(wire::trace::Sent{
      .to = send.to, .id = send.id, .message = wire::trace::summarize(send.message, bulk)});
  const std::size_t begin = wire::begin_frame(out.bytes);
  wire::encode_peer(out.bytes, self_, send.to, send.id, send.message, bulk);
  wire::end_frame(out.bytes, begin);
  out.actions.push_back(
      {out.events.size(), Outgoing{send.to, send.id, {begin, out.bytes.size() - begin}}});
}

void Driver::turn(const raft::Save& save, Output& out) {
  const std::string_view snapshot = replica_.being_saved();
  out.actions.push_back(
      {out.events.size(), DiskSave{save.id, save.at, {out.bytes.size(), snapshot.size()}}});
  out.bytes.append(snapshot);
}

}  // namespace ww::host
