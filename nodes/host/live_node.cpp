// One io_context on one thread runs the replica; DiskThread writes and syncs. An input is wholly
// received, then the clock is read, then the replica steps, then the step's trace is written, and
// only then does anything of it leave: a write, a message, an answer.

#include "nodes/host/live_node.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdlib>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/real_time.hpp"
#include "nodes/host/client_port.hpp"
#include "nodes/host/clock.hpp"
#include "nodes/host/control_link.hpp"
#include "nodes/host/disk_thread.hpp"
#include "nodes/host/faulty_store.hpp"
#include "nodes/host/file_store.hpp"
#include "nodes/host/logger.hpp"
#include "nodes/host/peer_links.hpp"
#include "nodes/host/recorder.hpp"
#include "nodes/host/trace_writer.hpp"
#include "nodes/storage/log_store.hpp"

namespace ww::host {

namespace {

/// By so much a log file grows at a time.
constexpr std::uint64_t kRoom = std::uint64_t{1} << 20;

namespace asio = boost::asio;

class LiveNode {
 public:
  explicit LiveNode(const Options& options);
  int run();

 private:
  // Starting up.
  std::optional<Error> recover();
  std::optional<Journal> open_journal();
  std::optional<Error> listen();
  void watch_signals();
  void connect();
  int refuse(const Error& error, int status) const;

  // Inputs.
  void on_timer();
  void on_written(const std::vector<DiskCompletion>& done);
  void on_saved(const SaveCompletion& done);
  wire::control::ClockState set_clock(const wire::control::SetClock& set);
  wire::control::Statistics statistics(const wire::control::TakeStatistics& take);
  void shut_down();

  [[nodiscard]] Moment sample();
  void step(const raft::Input& input);
  void perform();
  void arm_timer();
  void count_mark(std::string_view name);
  void finish(int status);
  [[noreturn]] void end_at_once(const std::string& why) const;

  const Options options_;
  const Logger logger_;
  const RealClock real_clock_;
  SkewedClock clock_;
  TraceWriter trace_;
  asio::io_context io_;
  asio::steady_timer timer_;
  Instant armed_ = kNever;  // true time at which timer_ goes off
  Instant sampled_{};       // true time of the last step
  bool timer_posted_ = false;
  asio::signal_set signals_;
  PeerLinks peers_;
  ClientPort clients_;
  SyncTimes sync_times_;
  std::optional<FileStore> files_;
  std::optional<FaultyStore> disk_port_;
  std::optional<storage::LoggedStore> store_;
  std::optional<DiskThread> disk_;
  std::optional<FileStore> journal_files_;
  std::optional<RecordedDriver> driver_;
  std::optional<ControlLink> control_;
  Output output_;
  std::map<std::string, std::uint64_t, std::less<>> marks_;
  int status_ = kExitInternal;
};

LiveNode::LiveNode(const Options& options)
    : options_(options),
      logger_(name_of(options.config.self)),
      real_clock_(options.origin_ns ? *options.origin_ns : monotonic_ns()),
      trace_(options.trace_fd, real_clock_,
             [this](const std::string& why) { end_at_once("nobody reads the trace: " + why); }),
      io_(1),
      timer_(io_),
      signals_(io_),
      peers_(io_, options.config.self,
             {.on_message =
                  [this](const wire::PeerFrame& frame, std::string_view payload) {
                    driver_->receive(sample(), frame, payload, output_);
                    perform();
                  },
              .on_complaint = [this](const std::string& text) { logger_.line(text); },
              .on_mark = [this](std::string_view name) { count_mark(name); }}),
      clients_(io_, options.config.self,
               {.on_request = [this](raft::Request request) { step(std::move(request)); },
                .on_watch = [this](raft::Watch watch) { step(std::move(watch)); },
                .on_complaint = [this](const std::string& text) { logger_.line(text); },
                .on_mark = [this](std::string_view name) { count_mark(name); }}) {}

int LiveNode::run() {
  // Ports first: when one is taken, the data directory is left as it was.
  if (const auto error = listen()) return refuse(*error, kExitEnvironment);
  if (const auto error = recover()) {
    if (error->code == ErrorCode::kCorrupt) return refuse(*error, kExitDamagedLog);
    if (error->code == ErrorCode::kEnvironment) return refuse(*error, kExitEnvironment);
    return refuse(*error, kExitDisk);
  }
  perform();
  watch_signals();
  connect();
  io_.run();
  disk_port_->set({});  // What hangs would hold up the end.
  disk_->stop();
  driver_->finish();
  return status_;
}

int LiveNode::refuse(const Error& error, int status) const {
  logger_.line(error.message);
  return status;
}

std::optional<Error> LiveNode::listen() {
  if (options_.listen) {
    if (const auto done = peers_.listen(*options_.listen); !done) return done.error();
  }
  if (const auto done = clients_.listen(options_.client_listen); !done) return done.error();
  return std::nullopt;
}

std::optional<Error> LiveNode::recover() {
  auto files = FileStore::open(options_.data);
  if (!files) return files.error();
  files_.emplace(std::move(*files));
  if (options_.fsync) {
    files_->time_syncs(sync_times_, options_.fsync_floor);
  } else {
    files_->never_sync();
    logger_.line("--fsync off: nothing is durable");
  }
  disk_port_.emplace(*files_, [this](const wire::trace::Disk& event) {
    trace_.write(std::array<wire::trace::Event, 1>{event});
  });
  store_.emplace(*disk_port_, [this](const wire::trace::Store& op) {
    trace_.write(std::array<wire::trace::Event, 1>{op});
  });
  storage::Survived survived;
  auto log = storage::LogStore::open(
      *store_,
      log_options(
          options_.config,
          {.node = {},
           .segment_bytes = options_.segment_bytes,
           .preallocate = options_.preallocate ? std::min(options_.segment_bytes, kRoom) : 0,
           .first_start = options_.first_start}),
      survived);
  if (!log) return log.error();
  if (survived.torn) {
    logger_.line("cut a torn tail of " + std::to_string(survived.cut_bytes) + " bytes off the log");
  }
  if (survived.doubt != storage::Doubt::kNone) {
    logger_.line(
        "in doubt: what was acknowledged may be lost; until a leader has covered it, this "
        "node neither votes nor serves");
  }
  disk_.emplace(
      std::move(*log), options_.group_commit,
      [this](std::vector<DiskCompletion> done) {
        asio::post(io_, [this, done = std::move(done)] { on_written(done); });
      },
      [this](SaveCompletion done) {
        asio::post(io_, [this, done = std::move(done)] { on_saved(done); });
      });
  driver_.emplace(options_.config, durable_of(std::move(survived)), sample(), output_,
                  open_journal(), [this](const std::string& why) { logger_.line(why); });
  return std::nullopt;
}

/// A node serves with or without its flight recorder.
std::optional<Journal> LiveNode::open_journal() {
  if (options_.journal.empty()) return std::nullopt;
  auto files = FileStore::open(options_.journal);
  if (files) {
    journal_files_.emplace(std::move(*files));
    auto journal = Journal::open(*journal_files_, options_.journaling);
    if (journal) return std::move(*journal);
    files = journal.error();
  }
  logger_.line("there is no journal: " + files.error().message);
  return std::nullopt;
}

void LiveNode::watch_signals() {
  signals_.add(SIGTERM);
  // With a controller, a Ctrl-C on the terminal is meant for it: it decides when the nodes end.
  if (options_.control) {
    ::signal(SIGINT, SIG_IGN);
  } else {
    signals_.add(SIGINT);
  }
  signals_.async_wait([this](boost::system::error_code ec, int) {
    if (!ec) shut_down();
  });
}

void LiveNode::connect() {
  peers_.connect(options_.peers);
  if (!options_.control) return;
  const wire::control::Hello hello{
      .node = options_.config.self, .incarnation = options_.config.incarnation, .pid = ::getpid()};
  control_.emplace(
      io_, *options_.control, hello,
      ControlLink::Handlers{
          .on_set_clock = [this](const wire::control::SetClock& set) { return set_clock(set); },
          .on_set_disk = [this](const wire::control::SetDisk& set) { disk_port_->set(set); },
          .on_shutdown = [this] { shut_down(); },
          .on_transfer =
              [this](const wire::control::Transfer& transfer) {
                step(raft::TransferLeadership{transfer.to});
              },
          .on_change_membership =
              [this](const wire::control::ChangeMembership& change) {
                step(raft::ChangeMembership{change.voters, change.mode});
              },
          .on_statistics =
              [this](const wire::control::TakeStatistics& take) { return statistics(take); },
          .on_lost = [this](const std::string& why) { end_at_once(why); }});
}

void LiveNode::on_timer() {
  const Moment moment = sample();
  if (moment.now.mono < driver_->deadline()) return arm_timer();
  driver_->step(moment, raft::TimerDue{}, output_);
  perform();
}

void LiveNode::on_written(const std::vector<DiskCompletion>& done) {
  for (const DiskCompletion& completion : done) {
    step(raft::Written{completion.id, completion.outcome});
    if (!completion.outcome.ok()) {
      logger_.line("halted: " + completion.outcome.error().message);
      return finish(kExitDisk);
    }
  }
}

void LiveNode::on_saved(const SaveCompletion& done) {
  step(raft::Saved{done.id, done.outcome});
  if (done.outcome.ok()) return;
  logger_.line("halted: " + done.outcome.error().message);
  finish(kExitDisk);
}

wire::control::ClockState LiveNode::set_clock(const wire::control::SetClock& set) {
  const Instant true_time = real_clock_.now();
  clock_.set(true_time, set.wall_offset, set.rate_ppm);
  const Now now = clock_.at(true_time);
  armed_ = kNever;  // the wake-up in hand was computed with the old rate
  arm_timer();
  return {.request = set.request,
          .true_time = true_time,
          .mono = now.mono,
          .wall = now.wall,
          .rate_ppm = clock_.rate_ppm()};
}

wire::control::Statistics LiveNode::statistics(const wire::control::TakeStatistics& take) {
  const Histogram syncs = sync_times_.take();
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto duration = [](const timeval& t) {
    return seconds(t.tv_sec) + microseconds(t.tv_usec);
  };
  return {.request = take.request,
          .syncs = syncs.count(),
          .sync_median = syncs.quantile(0.5),
          .sync_mean = syncs.mean(),
          .sync_p99 = syncs.quantile(0.99),
          .sync_max = syncs.max(),
          .user_time = duration(used.ru_utime),
          .system_time = duration(used.ru_stime),
          .term = driver_->replica().current_term(),
          .leads = driver_->replica().role() == wire::Role::kLeader};
}

void LiveNode::shut_down() {
  // What is queued is written and traced; its completions have no reader any more.
  disk_port_->set({});
  disk_->stop();
  finish(kExitShutdown);
}

Moment LiveNode::sample() {
  sampled_ = real_clock_.now();
  return {clock_.at(sampled_), sampled_};
}

void LiveNode::step(const raft::Input& input) {
  driver_->step(sample(), input, output_);
  perform();
}

void LiveNode::perform() {
  trace_.write(output_.events);
  for (const Action& action : output_.actions) {
    if (const auto* write = std::get_if<DiskWrite>(&action.what)) {
      disk_->submit(DiskJob{.id = write->id,
                            .state = write->state,
                            .reset_to = write->reset_to,
                            .truncate_from = write->truncate_from,
                            .range = write->range,
                            .entries = std::string(output_.view(write->entries)),
                            .sync = write->sync,
                            .settles_doubt = write->settles_doubt});
    } else if (const auto* message = std::get_if<Outgoing>(&action.what)) {
      peers_.send(message->to, output_.view(message->frame));
    } else if (const auto* reply = std::get_if<Reply>(&action.what)) {
      clients_.reply(reply->id, reply->reply);
    } else if (const auto* save = std::get_if<DiskSave>(&action.what)) {
      disk_->submit(SaveJob{save->id, save->at, std::string(output_.view(save->snapshot))});
    } else if (const auto* notice = std::get_if<Notice>(&action.what)) {
      clients_.notify(notice->id, notice->frame);
    }
  }
  arm_timer();
}

void LiveNode::arm_timer() {
  const Instant wanted = clock_.true_time_of(driver_->deadline());
  // At once: behind every input that is here already, and without a system call.
  if (wanted <= sampled_) {
    if (std::exchange(timer_posted_, true)) return;
    return asio::post(io_, [this] {
      timer_posted_ = false;
      on_timer();
    });
  }
  // An earlier wake-up comes anyway and arms anew: deadlines move back with every heartbeat, and
  // setting the timer each time would cost more than waking once too often.
  if (wanted >= armed_) return;
  armed_ = wanted;
  timer_.expires_at(
      std::chrono::steady_clock::time_point(nanoseconds(real_clock_.origin_ns() + to_ns(wanted))));
  timer_.async_wait([this](boost::system::error_code ec) {
    if (ec) return;
    armed_ = kNever;
    on_timer();
  });
}

void LiveNode::count_mark(std::string_view name) {
  auto mark = marks_.find(name);
  if (mark == marks_.end()) mark = marks_.emplace(name, 0).first;
  const std::uint64_t count = ++mark->second;
  // A link that is down drops hundreds of messages: the first, second, fourth, eighth ... are told.
  if ((count & (count - 1)) != 0) return;
  trace_.write(std::array<wire::trace::Event, 1>{wire::trace::Mark{mark->first, count}});
}

void LiveNode::finish(int status) {
  status_ = status;
  io_.stop();
}

void LiveNode::end_at_once(const std::string& why) const {
  logger_.line(why);
  // Without unwinding: a sync on the disk's thread may take long, and nobody waits for it.
  std::_Exit(kExitEnvironment);
}

}  // namespace

int run_live_node(const Options& options) {
  ::signal(SIGPIPE, SIG_IGN);
  if (options.parent_pid) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    // It may have died before the call above; then nobody would ever signal us.
    if (::getppid() != *options.parent_pid) {
      Logger(name_of(options.config.self)).line("its parent is gone");
      return kExitEnvironment;
    }
  }
  LiveNode node(options);
  return node.run();
}

}  // namespace ww::host
