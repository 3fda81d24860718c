// The deterministic world's nodes: events in, outputs carried out item by item, timers and disks.

#include <algorithm>
#include <utility>

#include "controller/worlds/discrete/world_node.hpp"

namespace ww::discrete {

namespace stepped = wire::stepped;
using Output = stepped::Output;

stepped::Clock DiscreteWorld::clock_of(const Node& node) const {
  const Now shown = node.clock.at(now_);
  return {now_, shown.mono, shown.wall};
}

void DiscreteWorld::feed(Node& node, Input&& input) {
  if (node.phase != Phase::kServing) return;
  if (node.paused) {
    node.held.push_back(std::move(input));
  } else {
    feed_now(node, input);
  }
}

void DiscreteWorld::feed_now(Node& node, const Input& input) {
  switch (input.kind) {
    case Input::Kind::kMessage:
      return step_node(node, stepped::Message{input.payload});
    case Input::Kind::kRequest:
      return step_node(node, stepped::Request{input.connection, input.request});
    case Input::Kind::kWritten:
      return step_node(node, stepped::Written{input.upto});
    case Input::Kind::kWriteFailed:
      node.write_failed = true;
      return step_node(node, stepped::WriteFailed{input.upto, "Input/output error"});
    case Input::Kind::kSaved:
      return step_node(node, stepped::Saved{input.save});
    case Input::Kind::kSaveFailed:
      node.write_failed = true;
      return step_node(node, stepped::SaveFailed{input.save, "Input/output error"});
  }
}

void DiscreteWorld::step_node(Node& node, const stepped::Event& event) {
  ++steps_;
  if (auto stepped = node.port->step(clock_of(node), event, node.output); !stepped) {
    return die_unheard(node, stepped.error());
  }
  perform(node);
}

/// Carries out what the node's output asks for, up to a death that comes in between.
void DiscreteWorld::perform(Node& node) {
  node.performing = true;
  const std::vector<Output::Item>& order = node.output.order;
  std::size_t done = 0;
  while (done < order.size() && node.phase == Phase::kServing) {
    const bool action = perform_item(node, order[done++]);
    if (!action || !node.death_wanted) continue;
    if (--node.let_out == 0) end(node, *std::exchange(node.death_wanted, std::nullopt));
  }
  node.performing = false;
  node.let_out = 0;
  if (node.death_wanted) end(node, *std::exchange(node.death_wanted, std::nullopt));
  node.cut_short = done < order.size();
  tap_.on_digest(node.id, now_, node.output.digest);
  if (node.phase != Phase::kServing) return;
  if (node.output.ended) {
    return die(node, Error{ErrorCode::kIo, true, node.output.last_words});
  }
  begin_sync(node);
  arm(node);
}

/// Returns whether it was one of the actions that a trigger counts.
bool DiscreteWorld::perform_item(Node& node, const Output::Item& item) {
  Output& out = node.output;
  switch (item.kind) {
    case Output::Kind::kTrace:
      emit(node, std::move(out.events[item.index]));
      return false;
    case Output::Kind::kWrite:
      node.waiting.push_back(out.writes[item.index].id);
      return true;
    case Output::Kind::kSave:
      begin_save(node, out.saves[item.index].id);
      return true;
    case Output::Kind::kSend: {
      const std::string_view payload = out.view(out.sends[item.index]);
      const auto envelope = wire::peek_envelope(payload);
      if (!envelope || envelope->from != wire::endpoint_of(node.id) ||
          !wire::is_node(envelope->to) || wire::node_of(envelope->to).value > nodes_.size()) {
        die(node, Error{ErrorCode::kCorrupt, true, "sent a message without a proper envelope"});
        return true;
      }
      transmit(*envelope, payload, 0);
      return true;
    }
    case Output::Kind::kReply: {
      const stepped::Reply& reply = out.replies[item.index];
      const auto owner = clients_by_connection_.find(reply.connection.value);
      if (owner == clients_by_connection_.end()) return true;
      std::string payload;
      wire::encode_reply(payload, node.id, owner->second, reply.reply);
      const auto envelope = wire::peek_envelope(payload);
      WW_ASSERT(envelope.has_value(), "a reply of ours without an envelope");
      transmit(*envelope, payload, reply.connection.value);
      return true;
    }
  }
  return false;
}

void DiscreteWorld::emit(Node& node, wire::trace::Event&& event) {
  if (const auto* store = std::get_if<wire::trace::Store>(&event)) {
    node.disk.apply(*store);
  } else if (const auto* role = std::get_if<wire::trace::RoleChange>(&event)) {
    node.role = role->role;
    node.term = role->term;
  }
  tap_.on_event(node.id, node.incarnation, ++node.trace_sequence, now_, std::move(event));
}

/// An earlier timer comes anyway and arms anew: deadlines move back with every heartbeat.
void DiscreteWorld::arm(Node& node) {
  const Instant due = node.clock.true_time_of(node.output.deadline);
  if (due >= node.armed) return;
  node.armed = due;
  schedule_for(node, std::max(now_, due), What::kTimer);
}

void DiscreteWorld::on_timer(const Event& event) {
  Node& node = at(event.node);
  if (node.phase != Phase::kServing || node.incarnation != event.incarnation) return;
  if (node.armed == kNever || node.armed > now_) return;
  node.armed = kNever;
  if (node.paused) return;  // resume() arms it again
  if (node.clock.at(now_).mono < node.output.deadline) return arm(node);
  step_node(node, stepped::Timer{});
}

/// A disk syncs one batch at a time; what is written meanwhile waits for the next.
void DiscreteWorld::begin_sync(Node& node) {
  if (node.syncing != WriteId{} || node.waiting.empty()) return;
  const WriteId first = node.waiting.front();
  node.syncing = node.waiting.back();
  node.syncing_from = first;
  node.waiting.clear();
  const Duration length = draw(kMinSync, kMaxSync, "disk.sync", node.id, node.incarnation, first);
  schedule_for(node, now_ + std::max(length, node.trouble.sync), What::kSyncDone);
}

void DiscreteWorld::on_sync_done(const Event& event) {
  Node& node = at(event.node);
  if (node.phase != Phase::kServing || node.incarnation != event.incarnation) return;
  Input done;
  done.kind = node.trouble.fails ? Input::Kind::kWriteFailed : Input::Kind::kWritten;
  done.upto = node.trouble.fails ? node.syncing_from : node.syncing;
  node.syncing = WriteId{};
  feed(node, std::move(done));
  if (node.phase == Phase::kServing) begin_sync(node);
}

/// A snapshot's file is synced beside the log's, and may be done before or after it.
void DiscreteWorld::begin_save(Node& node, SaveId id) {
  const Duration length = draw(kMinSync, kMaxSync, "disk.save", node.id, node.incarnation, id);
  const Instant done = now_ + std::max(length, node.trouble.sync);
  schedule_for(node, done, What::kSaveDone).save = id;
}

void DiscreteWorld::on_save_done(const Event& event) {
  Node& node = at(event.node);
  if (node.phase != Phase::kServing || node.incarnation != event.incarnation) return;
  Input done;
  done.kind = node.trouble.fails ? Input::Kind::kSaveFailed : Input::Kind::kSaved;
  done.source = kSnapshotFile;
  done.save = event.save;
  feed(node, std::move(done));
}

}  // namespace ww::discrete
