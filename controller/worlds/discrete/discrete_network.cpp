// The deterministic world's network and its clients: every message passes here.

#include "controller/worlds/discrete/world_node.hpp"

namespace ww::discrete {

namespace stepped = wire::stepped;

void DiscreteWorld::transmit(const wire::Envelope& e, std::string_view payload,
                             std::uint64_t connection) {
  tap_.on_frame(now_, e, payload);
  // The names of messages do not depend on what is drawn: a redrawn future knows them again.
  const std::uint64_t content = key_of(0, "net.content", e.from, e.to, e.type, e.term, e.content);
  const std::uint64_t nth = copies_.count(content);
  run::Delivery delivery{{e.from, e.to, e.type, e.term, e.content, nth}, std::nullopt};
  if (!written_down_.empty()) {
    const auto written = written_down_.find(delivery.message);
    if (written != written_down_.end()) {
      links_.pass(e);
      return transmit_written_down(e, payload, connection, written->second);
    }
  }
  const faults::Decision decision = links_.decide(e);
  for (std::uint8_t copy = 0; copy < decision.copies; ++copy) {
    const Duration latency =
        draw(kMinLatency, kMaxLatency, "net.latency", content, nth, std::uint64_t{copy}) +
        decision.delays[copy];
    if (copy == 0) delivery.delay = latency;
    deliver_at(now_ + latency, e, payload, connection);
  }
  if (!recording_) return;
  const bool cut = links_.is_cut(e.from, e.to);
  sent_.push_back({delivery, now_, decision.changed_by != 0 && !cut, cut});
}

void DiscreteWorld::transmit_written_down(const wire::Envelope& e, std::string_view payload,
                                          std::uint64_t connection, const run::Delivery& delivery) {
  const bool cut = links_.is_cut(e.from, e.to);
  if (recording_) sent_.push_back({delivery, now_, false, cut});
  if (cut) {
    links_.may_deliver(e);  // counts it as blocked
  } else if (delivery.delay) {
    deliver_at(now_ + *delivery.delay, e, payload, connection);
  }
}

void DiscreteWorld::deliver_at(Instant when, const wire::Envelope& envelope,
                               std::string_view payload, std::uint64_t connection) {
  Event& event = schedule(when, What::kFrame);
  event.envelope = envelope;
  event.payload.assign(payload);
  event.connection = connection;
}

void DiscreteWorld::on_frame(Event& event) {
  if (!links_.may_deliver(event.envelope)) return;
  if (wire::is_node(event.envelope.to)) {
    deliver_to_node(at(wire::node_of(event.envelope.to)), event);
  } else {
    deliver_to_client(event);
  }
}

void DiscreteWorld::deliver_to_node(Node& node, Event& event) {
  if (node.phase != Phase::kServing) return;
  if (wire::is_node(event.envelope.from)) {
    if (!node.paused) return step_node(node, stepped::Message{event.payload});
    Input input;
    input.source = event.envelope.from.value;
    input.payload = event.payload;
    return feed(node, std::move(input));
  }
  deliver_of_client(node, event);
}

void DiscreteWorld::deliver_of_client(Node& node, const Event& event) {
  Accepted& accepted = accepted_[static_cast<std::size_t>(event.connection - 1)];
  if (accepted.incarnation != node.incarnation) return;
  // The requests of a connection are numbered in one row, whatever they ask for.
  if (event.envelope.content <= accepted.last_request) return;
  Input input;
  if (event.envelope.type == wire::MessageType::kWatch) {
    auto decoded = wire::decode_watch(event.payload);
    if (!decoded) return;
    input.kind = Input::Kind::kWatch;
    input.watch = std::move(decoded->request);
  } else {
    auto decoded = wire::decode_request(event.payload);
    if (!decoded) return;
    input.kind = Input::Kind::kRequest;
    input.request = std::move(decoded->request);
  }
  accepted.last_request = event.envelope.content;
  input.source = event.envelope.from.value;
  input.connection = ClientId{static_cast<std::uint32_t>(event.connection)};
  feed(node, std::move(input));
}

void DiscreteWorld::deliver_to_client(const Event& event) {
  const ClientId client = wire::client_of(event.envelope.to);
  const auto found = connections_.find(client);
  if (found == connections_.end() || found->second.number != event.connection) return;
  if (event.envelope.type == wire::MessageType::kWatchFrame) {
    const auto told = wire::decode_watch_frame(event.payload);
    WW_ASSERT(told.ok(), "a frame of ours that does not decode");
    return tap_.on_watch_frame(client, told->frame, now_);
  }
  const auto decoded = wire::decode_reply(event.payload);
  WW_ASSERT(decoded.ok(), "a reply of ours that does not decode");
  tap_.on_reply(client, decoded->reply, now_);
}

// The clients.

void DiscreteWorld::connect(ClientId client, NodeId id) {
  disconnect(client);
  accepted_.push_back({id});
  const std::uint64_t number = accepted_.size();
  connections_[client] = Connection{id, number};
  clients_by_connection_[number] = client;
  const bool serves = at(id).phase == Phase::kServing;
  Event& event = schedule(now_ + kControl, serves ? What::kConnected : What::kConnectionLost);
  event.client = client;
  event.connection = number;
  event.refused = true;
}

void DiscreteWorld::disconnect(ClientId client) {
  const auto found = connections_.find(client);
  if (found == connections_.end()) return;
  clients_by_connection_.erase(found->second.number);
  connections_.erase(found);
}

void DiscreteWorld::send(ClientId client, NodeId id, const wire::ClientRequest& request) {
  std::string payload;
  wire::encode_request(payload, client, id, request);
  send_of_client(client, id, payload);
}

void DiscreteWorld::send(ClientId client, NodeId id, const wire::WatchRequest& request) {
  std::string payload;
  wire::encode_watch(payload, client, id, request);
  send_of_client(client, id, payload);
}

void DiscreteWorld::send_of_client(ClientId client, NodeId id, std::string_view payload) {
  const auto found = connections_.find(client);
  if (found == connections_.end() || !found->second.open || found->second.node != id) return;
  const auto envelope = wire::peek_envelope(payload);
  WW_ASSERT(envelope.has_value(), "a request of ours without an envelope");
  transmit(*envelope, payload, found->second.number);
}

void DiscreteWorld::on_connected(const Event& event) {
  const auto found = connections_.find(event.client);
  if (found == connections_.end() || found->second.number != event.connection) return;
  if (at(found->second.node).phase != Phase::kServing) {
    return on_connection_lost(event.client, event.connection, true);
  }
  found->second.open = true;
  accepted_[static_cast<std::size_t>(event.connection - 1)].incarnation =
      at(found->second.node).incarnation;
  tap_.on_connected(event.client, found->second.node, now_);
}

void DiscreteWorld::on_connection_lost(ClientId client, std::uint64_t connection, bool refused) {
  const auto found = connections_.find(client);
  if (found == connections_.end() || found->second.number != connection) return;
  const NodeId node = found->second.node;
  disconnect(client);
  tap_.on_connection_lost(client, node, now_, refused);
}

}  // namespace ww::discrete
