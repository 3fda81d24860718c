#include "nodes/host/step_machine.hpp"

#include <catch2/catch.hpp>
#include <optional>

#include "tests/support/passing_store.hpp"

namespace ww::host {
namespace {

namespace stepped = wire::stepped;

/// Files in memory whose next writes fail.
class FailingStore final : public test::PassingStore {
 public:
  Result<void> write(const std::string& file, std::uint64_t offset,
                     std::string_view data) override {
    if (failure) return *failure;
    return PassingStore::write(file, offset, data);
  }

  std::optional<Error> failure;
};

raft::Config config_of_one() {
  raft::Config config;
  config.self = NodeId{1};
  config.voters = {NodeId{1}};
  config.incarnation = 1;
  config.election_timeout = milliseconds(100);
  config.heartbeat_interval = milliseconds(20);
  return config;
}

stepped::Clock clock_at(Instant t) {
  return {t, t, t};
}

/// A cluster of one that has won its election, in memory, and waits for its vote to be durable.
struct Candidate {
  FailingStore store;
  StepMachine machine{config_of_one(), storage::LogOptions{.node = {}, .segment_bytes = 64U << 10},
                      store};
  stepped::Output out;
  Instant now{};

  Candidate() {
    machine.step(clock_at(now), stepped::Boot{}, out);
    for (int i = 0; i < 8 && out.writes.empty(); ++i) {
      now = out.deadline;
      machine.step(clock_at(now), stepped::Timer{}, out);
    }
    REQUIRE(out.writes.size() == 1);
    REQUIRE_FALSE(out.ended);
  }
};

TEST_CASE("a machine whose disk fails ends there, and says whose fault it is") {
  for (const auto& [code, cause] : {std::pair{ErrorCode::kIo, stepped::EndCause::kDisk},
                                    std::pair{ErrorCode::kNoSpace, stepped::EndCause::kNoSpace},
                                    std::pair{ErrorCode::kInternal, stepped::EndCause::kOwn}}) {
    Candidate node;
    node.store.failure = Error{code, false, "made up"};
    // To lead it has to write an entry.
    const WriteId vote = node.out.writes.back().id;
    node.machine.step(clock_at(node.now), stepped::Written{vote}, node.out);
    CHECK(node.out.ended);
    CHECK(node.out.cause == cause);
    CHECK(node.out.last_words == "halted: made up");
    CHECK(node.out.writes.empty());
  }
}

TEST_CASE("a failed write that the world told of is the machine's own reason to end") {
  Candidate node;
  const WriteId vote = node.out.writes.back().id;
  node.machine.step(clock_at(node.now), stepped::WriteFailed{vote, "made up"}, node.out);
  CHECK(node.out.ended);
  CHECK(node.out.cause == stepped::EndCause::kOwn);
  CHECK(node.out.last_words == "halted: made up");
}

}  // namespace
}  // namespace ww::host
