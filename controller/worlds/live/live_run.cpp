#include "controller/worlds/live/live_run.hpp"

#include <signal.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "controller/run/outcome.hpp"
#include "controller/run/trace_file.hpp"
#include "controller/worlds/data_directory.hpp"
#include "controller/worlds/live/live_world.hpp"
#include "controller/worlds/live/sentinel.hpp"

namespace ww::live {

namespace {

namespace asio = boost::asio;

constexpr Duration kProgressEvery = milliseconds(250);
constexpr Duration kFlushEvery = milliseconds(500);
constexpr std::size_t kEventsPerTurn = 256;

std::string milliseconds_text(Duration d) {
  const std::int64_t us = d.count() / 1000;
  return std::to_string(us / 1000) + "." + std::to_string(us % 1000 / 100) + " ms";
}

run::WorldFacts world_facts(const SentinelReport& sentinel, const std::string& run_directory,
                            std::uint32_t nodes) {
  run::WorldFacts facts;
  for (const Stall& stall : sentinel.stalls) {
    facts.stalls.push_back(
        {to_ns(stall.at), stall.length.count(), stall.disk ? "fsync" : "scheduling"});
  }
  facts.facts = {{"machine: worst scheduling stall", milliseconds_text(sentinel.worst_scheduling)},
                 {"machine: fsync, median", milliseconds_text(sentinel.median_sync)},
                 {"machine: fsync, worst", milliseconds_text(sentinel.worst_sync)}};
  facts.sanitizer = worlds::sanitizer_lines(run_directory + "/nodes", nodes);
  return facts;
}

/// Everything of one run that lives as long as its loop.
struct Loop {
  asio::io_context& io;
  RealClock clock;
  run::Director& director;
  LiveWorld& world;
  HistoryWriter& history;
  run::TraceFile& trace;
  const run::RunOptions& options;
  bool killed = false;
  Instant next_progress{};
  Instant next_flush{};
  bool trace_failed = false;

  void flush(Instant now) {
    if (now < next_flush) return;
    next_flush = now + kFlushEvery;
    trace.flush();
    if (auto flushed = history.flush(); !flushed && director.errors().empty()) {
      director.on_world_error(flushed.error());
    }
    if (!trace.state() && !trace_failed) {
      trace_failed = true;
      director.on_world_error(trace.state().error());
    }
  }

  void run() {
    while (!director.done() && !killed) {
      const Instant now = clock.now();
      director.advance(now);
      flush(now);
      if (options.on_progress && now >= next_progress) {
        next_progress = now + kProgressEvery;
        options.on_progress(director.progress(now));
      }
      if (director.done()) break;
      const Duration wait = std::max(Duration{}, director.deadline() - clock.now());
      io.restart();
      if (io.run_one_for(wait) == 0) continue;
      for (std::size_t i = 0; i < kEventsPerTurn && io.poll_one() > 0; ++i) {
      }
    }
    world.kill_all();
    next_flush = Instant{};
    flush(clock.now());
  }
};

}  // namespace

Result<run::FinishedRun> run_live(const run::PlanFile& plan, const run::RunOptions& options) {
  // A full disk must come back as an error, not as a signal.
  ::signal(SIGXFSZ, SIG_IGN);
  ::signal(SIGPIPE, SIG_IGN);
  const RealClock clock;
  asio::io_context io;
  auto history = HistoryWriter::create(options.run_directory + "/history.jsonl");
  if (!history) return history.error();
  auto trace = run::TraceFile::create(options.run_directory + "/trace.jsonl");
  if (!trace) return trace.error();
  faults::LinkTable links(plan.test.seed, plan.test.all_nodes());
  run::Director director(plan, links, &*history, trace->get(), run::TraceTimes::kOfTelling);
  auto world = LiveWorld::open(io, clock, plan.test,
                               {options.node_executable, options.run_directory}, links, director);
  if (!world) return world.error();
  const Sentinel sentinel(clock, options.run_directory + "/sentinel.tmp",
                          plan.test.election_timeout / 2);

  Loop loop{io, clock, director, **world, *history, **trace, options};
  asio::signal_set signals(io, SIGINT, SIGTERM);
  bool asked = false;
  std::function<void(boost::system::error_code, int)> on_signal = [&](boost::system::error_code ec,
                                                                      int) {
    if (ec) return;
    loop.killed = asked;
    asked = true;
    director.interrupt(clock.now());
    signals.async_wait(on_signal);
  };
  signals.async_wait(on_signal);
  director.begin(**world, clock.now());
  loop.run();
  // From here on a Ctrl-C ends the program: nothing runs any more that would have to be healed.
  boost::system::error_code ignored;
  signals.clear(ignored);

  run::FinishedRun out;
  out.interrupted = director.interrupted();
  out.report =
      run::judge(plan.test, director, links,
                 world_facts(sentinel.report(), options.run_directory, plan.test.all_nodes()),
                 options.started);
  out.history = director.take_history();
  out.report.history = out.history;
  out.executed = director.executed();
  // When a call arrived is part of the plan, what it was may hang on real time: the seed says more.
  out.executed.ops = plan.ops;
  return out;
}

}  // namespace ww::live
