// A cluster without faults or chance that moves in rounds: the load of the benchmarks.
//
// In each round every node takes what was sent to it in the round before, its writes of the round
// before become durable, and its timer runs when it is due. A round lasts 100 us.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/evidence.hpp"
#include "nodes/host/driver.hpp"
#include "nodes/storage/byte_store.hpp"
#include "nodes/storage/log_store.hpp"

namespace ww::bench {

class Lockstep {
 public:
  /// Evidence goes to `sink`, which may be null: then nothing is logged to disk either.
  explicit Lockstep(std::uint32_t nodes, EvidenceSink* sink = nullptr);
  /// One round, in which the leader gets `writes` new requests to write.
  void round(std::uint32_t writes);
  /// Rounds until there is a leader.
  void elect();
  [[nodiscard]] std::uint64_t steps() const { return steps_; }

 private:
  struct Node {
    NodeId id;
    storage::MemoryStore files;
    std::unique_ptr<storage::LoggedStore> store;
    std::optional<storage::LogStore> log;
    std::optional<host::Driver> driver;
    host::Output output;
    std::vector<std::string> inbox;
    std::vector<std::string> arriving;  // in the next round
    std::vector<WriteId> written;
    std::uint64_t sequence = 0;
  };
  void boot(Node& node);
  void perform(Node& node);
  void emit(Node& node, const wire::trace::Event& event);
  [[nodiscard]] host::Moment moment() const { return {Now{now_, now_}, now_}; }
  [[nodiscard]] Node* leader();

  EvidenceSink* sink_;
  Instant now_{};
  std::uint64_t steps_ = 0;
  std::uint64_t requests_ = 0;
  std::vector<std::unique_ptr<Node>> nodes_;
};

}  // namespace ww::bench
