#include "tests/unit/recorded_cluster.hpp"

#include <utility>

#include "base/assert.hpp"
#include "base/wire/frame.hpp"

namespace ww::host::testing {

RecordedCluster::RecordedCluster(std::uint64_t seed, JournalOptions options)
    : rng_(keyed(seed, "recorded.cluster")), options_(std::move(options)) {
  for (std::uint32_t i = 0; i < nodes_.size(); ++i) {
    nodes_[i].id = NodeId{i + 1};
    start(nodes_[i]);
  }
}

void RecordedCluster::start(RecordedNode& node) {
  storage::Survived survived;
  auto log = storage::LogStore::open(node.data, {.node = node.id}, survived);
  WW_ASSERT(log.ok(), "a log in memory is lost");
  node.log.emplace(std::move(*log));
  node.writes.clear();
  node.steps = 0;
  auto journal = Journal::open(node.journal, options_);
  WW_ASSERT(journal.ok(), "a journal in memory is lost");
  raft::Config config;
  config.self = node.id;
  config.voters = {NodeId{1}, NodeId{2}, NodeId{3}};
  config.incarnation = ++node.incarnation;
  config.leases = true;
  config.follower_reads = true;
  node.driver.emplace(std::move(config), durable_of(std::move(survived)), now(), output_,
                      std::move(*journal),
                      [this](const std::string& why) { complaints_.push_back(why); });
  perform(node);
}

void RecordedCluster::run(int steps) {
  for (int i = 0; i < steps; ++i) act();
}

void RecordedCluster::finish() {
  for (RecordedNode& node : nodes_) node.driver->finish();
}

void RecordedCluster::act() {
  RecordedNode& node = nodes_[rng_.below(nodes_.size())];
  now_ += microseconds(rng_.between(1, 900));
  const std::uint64_t choice = rng_.below(1000);
  if (choice < 4) return start(node);
  if (choice < 20) return fire_timer();
  if (choice < 30) {
    ++node.steps;
    node.driver->step(now(), raft::TransferLeadership{kNobody}, output_);
    return perform(node);
  }
  if (choice < 250) return request(node);
  if (choice < 500 && !node.writes.empty()) {
    const WriteId id = node.writes.front();
    node.writes.pop_front();
    ++node.steps;
    node.driver->step(now(), raft::Written{id, {}}, output_);
    return perform(node);
  }
  deliver();
}

void RecordedCluster::fire_timer() {
  RecordedNode* first = &nodes_[0];
  for (RecordedNode& node : nodes_) {
    if (node.driver->deadline() < first->driver->deadline()) first = &node;
  }
  now_ = std::max(now_, first->driver->deadline());
  ++first->steps;
  first->driver->step(now(), raft::TimerDue{}, output_);
  perform(*first);
}

void RecordedCluster::deliver() {
  if (packets_.empty()) return fire_timer();
  const std::size_t place = rng_.below(4) == 0 ? rng_.below(packets_.size()) : 0;
  const std::string payload = packets_[place];
  packets_.erase(packets_.begin() + static_cast<std::ptrdiff_t>(place));
  if (rng_.below(20) == 0) return;
  const auto frame = wire::decode_peer(payload);
  WW_ASSERT(frame.ok(), "a node sent what does not decode");
  RecordedNode& node = nodes_[wire::node_of(frame->envelope.to).value - 1];
  ++node.steps;
  node.driver->receive(now(), *frame, payload, output_);
  perform(node);
}

void RecordedCluster::request(RecordedNode& node) {
  raft::Request request{{ClientId{1}, ++requests_}, wire::ReadMode::kIndex, {}};
  request.command.kind = static_cast<wire::CommandKind>(rng_.below(6));
  request.command.key = std::string(1, static_cast<char>('a' + rng_.below(3)));
  request.command.value = "v" + std::to_string(requests_);
  ++node.steps;
  node.driver->step(now(), request, output_);
  perform(node);
}

void RecordedCluster::perform(RecordedNode& node) {
  for (const Action& action : output_.actions) {
    if (const auto* write = std::get_if<DiskWrite>(&action.what)) {
      WW_ASSERT(node.log->write(output_.batch(*write)).ok(), "a write to memory failed");
      node.writes.push_back(write->id);
    } else if (const auto* message = std::get_if<Outgoing>(&action.what)) {
      packets_.emplace_back(output_.view(message->frame).substr(wire::kFrameHeader));
    }
  }
}

}  // namespace ww::host::testing
