// What the flight recorder costs a node: the same steps without a journal (0) and with one (1).
#include <benchmark/benchmark.h>

#include <cstdlib>
#include <filesystem>

#include "nodes/host/file_store.hpp"
#include "nodes/host/recorder.hpp"

namespace {

using namespace ww;

/// A cluster of one that is asked to write and whose disk is done at once: two steps an op.
void recorded_step(benchmark::State& state) {
  std::string path = (std::filesystem::temp_directory_path() / "recorder-XXXXXX").string();
  if (::mkdtemp(path.data()) == nullptr) return state.SkipWithError("no temporary directory");
  auto files = host::FileStore::open(path);
  std::optional<host::Journal> journal;
  if (state.range(0) == 1 && files) {
    auto opened = host::Journal::open(*files, {.build = "bench"});
    if (opened) journal.emplace(std::move(*opened));
  }
  raft::Config config;
  config.self = NodeId{1};
  config.voters = {NodeId{1}};
  host::Output out;
  host::RecordedDriver driver(config, {}, {}, out, std::move(journal),
                              [&](const std::string& why) { state.SkipWithError(why.c_str()); });
  Instant now = driver.deadline();
  const auto done = [&] {
    const std::vector<host::Action> actions = out.actions;
    for (const host::Action& action : actions) {
      const auto* write = std::get_if<host::DiskWrite>(&action.what);
      if (write != nullptr) driver.step({{now, now}, now}, raft::Written{write->id, {}}, out);
    }
  };
  driver.step({{now, now}, now}, raft::TimerDue{}, out);
  for (int i = 0; i < 3; ++i) done();
  raft::Request request{{ClientId{1}, 0}, wire::ReadMode::kIndex, {}};
  request.command.kind = wire::CommandKind::kWrite;
  request.command.key = "a key";
  request.command.value = "a value of some thirty bytes..";
  std::uint64_t steps = 0;
  for (auto _ : state) {
    ++request.id.request;
    now += microseconds(50);
    driver.step({{now, now}, now}, request, out);
    done();
    steps += 2;
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(steps));
  std::error_code ec;
  std::filesystem::remove_all(path, ec);
}
BENCHMARK(recorded_step)->Arg(0)->Arg(1)->Iterations(200'000);

}  // namespace
