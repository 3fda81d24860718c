#include "controller/worlds/simulated/simulated_run.hpp"

#include <optional>

#include "controller/run/outcome.hpp"
#include "controller/run/trace_file.hpp"
#include "controller/worlds/simulated/simulated_world.hpp"

namespace ww::simulated {

namespace {

/// The files of a run that is kept.
struct Files {
  std::optional<HistoryWriter> history;
  std::unique_ptr<run::TraceFile> trace;
};

Result<Files> open_files(const std::string& directory) {
  Files files;
  if (directory.empty()) return files;
  auto history = HistoryWriter::create(directory + "/history.jsonl");
  if (!history) return history.error();
  files.history.emplace(std::move(*history));
  auto trace = run::TraceFile::create(directory + "/trace.jsonl");
  if (!trace) return trace.error();
  files.trace = std::move(*trace);
  return files;
}

void run_to_the_end(run::Director& director, SimulatedWorld& world,
                    const std::function<void(const reports::Progress&)>& on_progress) {
  constexpr std::uint64_t kProgressEvery = 1U << 16;
  std::uint64_t events = 0;
  director.advance(world.now());
  while (!director.done()) {
    if (++events > kMaxEvents) {
      director.on_world_error(
          Error{ErrorCode::kInternal, true,
                "the event cap of " + std::to_string(kMaxEvents) + " was reached: a livelock"});
      return;
    }
    if (on_progress && events % kProgressEvery == 0) on_progress(director.progress(world.now()));
    const Instant due = director.deadline();
    if (world.next_event() <= due) {
      world.step();
    } else {
      world.move_to(std::max(world.now(), due));
    }
    director.advance(world.now());
  }
}

}  // namespace

Result<run::FinishedRun> run_simulated(const run::PlanFile& plan, const run::RunOptions& options) {
  auto files = open_files(options.run_directory);
  if (!files) return files.error();
  faults::LinkTable links(plan.test.seed, plan.test.nodes);
  run::Director director(plan, links, files->history ? &*files->history : nullptr,
                         files->trace.get());
  SimulatedWorld world(plan.test, links, director);
  director.begin(world, world.now());
  run_to_the_end(director, world, options.on_progress);
  if (files->trace) {
    files->trace->flush();
    if (!files->trace->state()) director.on_world_error(files->trace->state().error());
  }
  if (files->history) {
    if (auto flushed = files->history->flush(); !flushed) director.on_world_error(flushed.error());
  }
  run::FinishedRun out;
  out.report = run::judge(plan.test, director, links, run::WorldFacts{}, options.started,
                          options.judge_history);
  out.report.marks.push_back({"replica steps", world.steps()});
  out.history = director.history();
  out.report.history = out.history;
  out.executed = director.executed();
  out.steps = world.steps();
  out.torture_begin = director.torture_begin();
  out.length = director.ended() - Instant{};
  return out;
}

}  // namespace ww::simulated
