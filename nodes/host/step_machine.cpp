#include "nodes/host/step_machine.hpp"

#include <utility>

#include "base/assert.hpp"
#include "base/hash.hpp"
#include "base/wire/frame.hpp"

namespace ww::host {

namespace stepped = wire::stepped;

namespace {

Moment moment_of(const stepped::Clock& clock) {
  return {Now{clock.mono, clock.wall}, clock.true_time};
}

/// What an error of the log says of the machine.
stepped::EndCause cause_of(const Error& error) {
  if (error.code == ErrorCode::kNoSpace) return stepped::EndCause::kNoSpace;
  if (error.code == ErrorCode::kCorrupt) return stepped::EndCause::kDamaged;
  return error.code == ErrorCode::kIo ? stepped::EndCause::kDisk : stepped::EndCause::kOwn;
}

/// Whatever of a replica another one could differ in, as one word.
std::uint64_t digest_of(const raft::Replica& r) {
  return hash_words<14>(
      {r.current_term(), r.voted_for().value, static_cast<std::uint64_t>(r.role()),
       r.leader().value, r.commit_index(), r.last_applied(), r.last().index, r.last().term,
       r.durability().stable_index(), r.durability().last_issued().value, r.digest(),
       r.log().base().index, r.snapshot().at.index, r.snapshot().at.term});
}

}  // namespace

struct StepMachine::Impl {
  /// A write that the log took and the world has not completed.
  struct Outstanding {
    WriteId id;
    bool sync = true;
    storage::Place end;
  };

  Impl(raft::Config the_config, storage::LogOptions the_options, storage::ByteStore& files)
      : config(std::move(the_config)),
        options(log_options(config, the_options)),
        store(files, [this](const wire::trace::Store& op) { out->add(op); }) {}

  void on(const stepped::Boot&) {
    storage::Survived survived;
    auto opened = storage::LogStore::open(store, options, survived);
    if (!opened) return end(opened.error().message, cause_of(opened.error()));
    log.emplace(std::move(*opened));
    driver.emplace(config, durable_of(std::move(survived)), moment, scratch);
    take();
  }
  void on(const stepped::Timer&) { step(raft::TimerDue{}); }
  void on(const stepped::Message& message) {
    const auto frame = wire::decode_peer(message.payload);
    if (!frame) {
      return end("a message that does not decode: " + frame.error().message,
                 stepped::EndCause::kOwn);
    }
    driver->receive(moment, *frame, scratch);
    take();
  }
  void on(const stepped::Request& r) {
    step(raft::Request{{r.connection, r.request.request}, r.request.read_mode, r.request.command});
  }
  void on(const stepped::Written& written) {
    storage::Place durable;
    for (const Outstanding& write : outstanding) {
      if (write.id > written.upto) break;
      if (write.sync) durable = write.end;
    }
    if (auto synced = log->sync_to(durable); !synced) {
      const WriteId failed = outstanding.empty() ? written.upto : outstanding.front().id;
      return step_failed(failed, synced.error(), cause_of(synced.error()));
    }
    while (!out->ended && !outstanding.empty() && outstanding.front().id <= written.upto) {
      const WriteId id = outstanding.front().id;
      outstanding.pop_front();
      step(raft::Written{id, {}});
    }
  }
  void on(const stepped::WriteFailed& failed) {
    step_failed(failed.write, Error{ErrorCode::kIo, false, failed.reason}, stepped::EndCause::kOwn);
  }

  void on(const stepped::Saved& saved) {
    if (auto done = log->finish_snapshot(); !done) {
      return save_failed(saved.id, done.error(), cause_of(done.error()));
    }
    step(raft::Saved{saved.id, {}});
  }
  void on(const stepped::SaveFailed& failed) {
    save_failed(failed.id, Error{ErrorCode::kIo, false, failed.reason}, stepped::EndCause::kOwn);
  }

  void on(const stepped::Watch& watch) { step(raft::Watch{watch.connection, watch.request}); }
  void on(const stepped::Transfer& transfer) { step(raft::TransferLeadership{transfer.to}); }
  void on(const stepped::ChangeMembership& change) {
    step(raft::ChangeMembership{change.voters, change.mode});
  }

  void step(const raft::Input& input) {
    driver->step(moment, input, scratch);
    take();
  }

  /// What failed may be on disk all the same: the replica halts, and the process ends.
  void step_failed(WriteId id, const Error& error, stepped::EndCause cause) {
    step(raft::Written{id, error});
    end("halted: " + error.message, cause);
  }

  void save_failed(SaveId id, const Error& error, stepped::EndCause cause) {
    step(raft::Saved{id, error});
    end("halted: " + error.message, cause);
  }

  /// Moves what a step wants into the output: its trace first, then its actions, each write with
  /// what it did to the files.
  void take() {
    if (out->ended) return;
    out->add(scratch.events);
    for (Action& action : scratch.actions) {
      if (out->ended) return;
      if (const auto* write = std::get_if<DiskWrite>(&action.what)) {
        perform(*write);
      } else if (const auto* send = std::get_if<Outgoing>(&action.what)) {
        out->add_send(scratch.view(send->frame).substr(wire::kFrameHeader));
      } else if (auto* reply = std::get_if<Reply>(&action.what)) {
        out->add(stepped::Reply{reply->id.connection, std::move(reply->reply)});
      } else if (const auto* save = std::get_if<DiskSave>(&action.what)) {
        perform(*save);
      } else if (auto* notice = std::get_if<Notice>(&action.what)) {
        out->add(stepped::Notice{notice->id.connection, std::move(notice->frame)});
      }
    }
  }

  void perform(const DiskWrite& write) {
    if (auto written = log->write(scratch.batch(write)); !written) {
      return end("halted: " + written.error().message, cause_of(written.error()));
    }
    outstanding.push_back({write.id, write.sync, log->batches_end()});
    out->add(stepped::Write{write.id, write.sync});
  }

  void perform(const DiskSave& save) {
    const std::string_view snapshot = scratch.view(save.snapshot);
    auto begun = log->begin_snapshot(save.at, snapshot);
    if (!begun) return end("halted: " + begun.error().message, cause_of(begun.error()));
    // All of it at once: what a crash leaves of it is the world's decision.
    auto written = log->write_snapshot(~std::uint64_t{0});
    if (!written) return end("halted: " + written.error().message, cause_of(written.error()));
    out->add(stepped::Save{save.id});
  }

  /// What ended it first counts.
  void end(std::string why, stepped::EndCause cause) {
    if (out->ended) return;
    out->ended = true;
    out->cause = cause;
    out->last_words = std::move(why);
  }

  raft::Config config;
  const storage::LogOptions options;
  storage::LoggedStore store;
  std::optional<storage::LogStore> log;
  std::optional<Driver> driver;
  std::deque<Outstanding> outstanding;
  // Of the event in hand.
  Output scratch;
  stepped::Output* out = nullptr;
  Moment moment;
};

StepMachine::StepMachine(raft::Config config, storage::LogOptions options,
                         storage::ByteStore& files)
    : impl_(std::make_unique<Impl>(std::move(config), options, files)) {}

StepMachine::~StepMachine() = default;

void StepMachine::step(const stepped::Clock& clock, const stepped::Event& event,
                       stepped::Output& out) {
  WW_ASSERT(std::holds_alternative<stepped::Boot>(event) != impl_->driver.has_value(),
            "Boot comes first and once");
  out.clear();
  impl_->out = &out;
  impl_->moment = moment_of(clock);
  std::visit([this](const auto& e) { impl_->on(e); }, event);
  impl_->out = nullptr;
  if (!impl_->driver) return;
  out.deadline = impl_->driver->deadline();
  out.digest = digest_of(impl_->driver->replica());
}

void StepMachine::reseed(std::uint64_t seed) {
  impl_->config.seed = seed;
  if (impl_->driver) impl_->driver->reseed(seed);
}

const raft::Replica* StepMachine::replica() const {
  return impl_->driver ? &impl_->driver->replica() : nullptr;
}

}  // namespace ww::host
