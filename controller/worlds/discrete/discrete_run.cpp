#include "controller/worlds/discrete/discrete_run.hpp"

#include <optional>
#include <utility>

#include "controller/run/outcome.hpp"
#include "controller/run/signal_count.hpp"
#include "controller/run/trace_file.hpp"
#include "controller/worlds/data_directory.hpp"
#include "controller/worlds/discrete/discrete_world.hpp"
#include "controller/worlds/discrete/tap.hpp"

namespace ww::discrete {

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

/// Event by event until the run is done, is abandoned, or has no end.
void run_to_the_end(const run::PlanFile& plan, const run::RunOptions& options,
                    run::Director& director, DiscreteWorld& world) {
  constexpr std::uint64_t kProgressEvery = 1U << 16;
  std::uint64_t events = 0;
  std::optional<run::SignalCount> signals;
  if (options.interruptible) signals.emplace();
  director.advance(world.now());
  while (!director.done()) {
    if (++events > plan.test.max_events) {
      director.on_livelock(plan.test.max_events);
      return director.abandon(world.now());
    }
    if (signals && signals->count() > 0) {
      if (!director.interrupted()) director.interrupt(world.now());
      if (signals->count() > 1) return director.abandon(world.now());
    }
    if (options.on_progress && events % kProgressEvery == 0) {
      options.on_progress(director.progress(world.now()));
    }
    const Instant due = director.deadline();
    if (world.next_event() <= due) {
      world.step();
    } else {
      world.move_to(std::max(world.now(), due));
    }
    director.advance(world.now());
    if (options.stop_at_violation && director.violated()) director.abandon(world.now());
  }
}

void close(Files& files, run::Director& director) {
  if (files.trace) {
    files.trace->flush();
    if (!files.trace->state()) director.on_world_error(files.trace->state().error());
  }
  if (files.history) {
    if (auto flushed = files.history->flush(); !flushed) director.on_world_error(flushed.error());
  }
}

}  // namespace

Result<run::FinishedRun> execute(const run::PlanFile& plan, const run::RunOptions& options,
                                 const MakeNode& make, const std::string& logs) {
  auto files = open_files(options.run_directory);
  if (!files) return files.error();
  faults::LinkTable links(plan.test.seed, plan.test.all_nodes());
  run::Director director(plan, links, files->history ? &*files->history : nullptr,
                         files->trace.get(), run::TraceTimes::kOfStep);
  if (options.unchecked) director.leave_unchecked();
  Tap tap(director);
  if (options.fingerprint) tap.take_fingerprint(options.window);
  if (options.coverage) tap.take_coverage(plan.test.all_nodes());
  auto world = DiscreteWorld::open(plan.test, plan.network, links, tap, make);
  if (!world) return world.error();
  if (options.deliveries) (*world)->record_deliveries();
  director.begin(**world, (*world)->now());
  run_to_the_end(plan, options, director, **world);
  close(*files, director);

  run::WorldFacts facts;
  if (!logs.empty()) facts.sanitizer = worlds::sanitizer_lines(logs, plan.test.all_nodes());
  run::FinishedRun out;
  out.report =
      run::judge(plan.test, director, links, facts, options.started, options.judge_history);
  out.interrupted = director.interrupted();
  out.report.marks.push_back({"replica steps", (*world)->steps()});
  out.history = director.take_history();
  out.report.history = out.history;
  if (options.executed) {
    out.executed = director.executed();
  } else {
    out.executed.test = plan.test;
  }
  out.stop_at_violation = options.stop_at_violation;
  out.steps = (*world)->steps();
  out.length = director.ended() - Instant{};
  if (director.tortured()) out.torture_begin = director.torture_begin();
  out.deliveries = (*world)->take_deliveries();
  // Where a person interrupted it, nothing repeats it.
  if (run::Recorder* recorder = tap.recorder(); recorder != nullptr && !director.interrupted()) {
    for (const Op& op : out.history) recorder->add_op(op);
    out.fingerprint = recorder->finish();
    out.report.fingerprint = run::describe(out.fingerprint);
  }
  if (const run::Coverage* coverage = tap.coverage()) out.states = coverage->states();
  return out;
}

}  // namespace ww::discrete
