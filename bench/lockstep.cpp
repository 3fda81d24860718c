#include "bench/lockstep.hpp"

#include <utility>

#include "base/assert.hpp"
#include "base/wire/frame.hpp"

namespace ww::bench {

Lockstep::Lockstep(std::uint32_t nodes, EvidenceSink* sink) : sink_(sink) {
  for (std::uint32_t i = 1; i <= nodes; ++i) {
    nodes_.push_back(std::make_unique<Node>());
    nodes_.back()->id = NodeId{i};
  }
  for (auto& node : nodes_) boot(*node);
}

void Lockstep::boot(Node& node) {
  raft::Config config;
  config.self = node.id;
  for (const auto& other : nodes_) config.voters.push_back(other->id);
  if (sink_ != nullptr) {
    sink_->on_start(node.id, 1, now_);
    node.store = std::make_unique<storage::LoggedStore>(
        node.files, [this, &node](const wire::trace::Store& op) { emit(node, op); });
    storage::Survived survived;
    auto log = storage::LogStore::open(*node.store, {.node = node.id}, survived);
    WW_ASSERT(log.ok(), "a log in memory opens");
    node.log.emplace(std::move(*log));
  }
  node.driver.emplace(std::move(config), raft::Durable{}, moment(), node.output);
  perform(node);
}

void Lockstep::emit(Node& node, const wire::trace::Event& event) {
  if (sink_ != nullptr) sink_->on_trace(node.id, 1, {++node.sequence, now_, event});
}

void Lockstep::perform(Node& node) {
  for (const wire::trace::Event& event : node.output.events) emit(node, event);
  for (const host::Action& action : node.output.actions) {
    if (const auto* write = std::get_if<host::DiskWrite>(&action.what)) {
      if (node.log) {
        WW_ASSERT(node.log->write(node.output.batch(*write)).ok(), "memory takes what is written");
      }
      node.written.push_back(write->id);
    } else if (const auto* out = std::get_if<host::Outgoing>(&action.what)) {
      const std::string_view payload = node.output.view(out->frame).substr(wire::kFrameHeader);
      if (sink_ != nullptr) sink_->on_frame(now_, *wire::peek_envelope(payload), payload);
      nodes_[out->to.value - 1]->arriving.emplace_back(payload);
    }
  }
}

void Lockstep::round(std::uint32_t writes) {
  now_ += microseconds(100);
  for (auto& node : nodes_) std::swap(node->inbox, node->arriving);
  for (auto& place : nodes_) {
    Node& node = *place;
    const auto step = [&](const raft::Input& input) {
      ++steps_;
      node.driver->step(moment(), input, node.output);
      perform(node);
    };
    for (const std::string& payload : node.inbox) {
      ++steps_;
      node.driver->receive(moment(), *wire::decode_peer(payload), node.output);
      perform(node);
    }
    node.inbox.clear();
    if (!node.written.empty() && node.log) WW_ASSERT(node.log->sync().ok(), "memory syncs");
    for (const WriteId write : std::exchange(node.written, {})) step(raft::Written{write, {}});
    if (now_ >= node.driver->deadline()) step(raft::TimerDue{});
  }
  Node* leading = leader();
  if (leading == nullptr) return;
  for (std::uint32_t i = 0; i < writes; ++i) {
    raft::Request request;
    request.id = {ClientId{1 + i}, ++requests_};
    request.command.kind = wire::CommandKind::kWrite;
    request.command.key = std::to_string(requests_ % 5);
    request.command.value = std::to_string(requests_);
    ++steps_;
    leading->driver->step(moment(), request, leading->output);
    perform(*leading);
  }
}

void Lockstep::elect() {
  while (leader() == nullptr) round(0);
}

Lockstep::Node* Lockstep::leader() {
  for (auto& node : nodes_) {
    if (node->driver->replica().role() == wire::Role::kLeader) return node.get();
  }
  return nullptr;
}

}  // namespace ww::bench
