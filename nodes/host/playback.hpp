// A node's journal, executed again: the replica is fed what it was fed, and what it does is held
// against what it did.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "nodes/host/journal.hpp"

namespace ww::host {

/// "3.1042": the 1042nd input of the node's third incarnation; its boot is "3.0".
struct StepId {
  Incarnation incarnation = 0;
  std::uint64_t step = 0;
  friend auto operator<=>(const StepId&, const StepId&) = default;
};
std::string name_of(const StepId& id);

/// Feeds one input. Playback calls it once for each step, so that it is where a debugger stops:
/// `break ww::host::replay_step if step == 1042`.
/// Errors: kCorrupt, definite: an input that no node can have been fed.
[[gnu::noinline]] Result<void> replay_step(Incarnation incarnation, std::uint64_t step,
                                           Driver& driver, const Moment& moment,
                                           const JournalInput& input, Output& out);

/// {"in":"timer"}, {"in":"message","from":"n1",...}, {"in":"written",...}, {"in":"request",...}.
std::string input_line(const JournalInput& input);

class Playback {
 public:
  /// The bytes of a segment file. Errors: whatever keeps it from being read.
  using ReadFile = std::function<Result<std::string>(const std::string& name)>;

  struct Segment {
    std::string file;
    JournalHead head;
    [[nodiscard]] StepId begin() const { return {head.incarnation, head.first_step}; }
  };

  /// Finds the segments among `names`, and whose they are. One that was cut within its opening
  /// holds no step and is left out. Errors: kUsage: there is none; kCorrupt naming the file and the
  /// byte.
  static Result<Playback> open(const std::vector<std::string>& names, ReadFile read);

  /// In the order of writing; not empty.
  [[nodiscard]] const std::vector<Segment>& segments() const { return segments_; }

  /// Goes to the last segment that begins at or before `id`. REQUIRES: nothing was loaded yet.
  /// Errors: kUsage when `id` is before all that is held; what load() may meet.
  Result<void> seek(const StepId& id);

  enum class Loaded {
    kStep,  // play() executes it
    kFork,  // the next segment's checkpoint is not the state reached, see fork(); its is taken
    kEnd
  };
  /// Reads what comes next. Errors: kCorrupt naming the file and the byte: damage, missing steps.
  Result<Loaded> load();

  // The loaded step.
  [[nodiscard]] const StepId& id() const { return id_; }
  [[nodiscard]] const Moment& moment() const { return moment_; }
  /// Nothing: it is a boot.
  [[nodiscard]] const std::optional<JournalInput>& input() const { return input_; }
  /// Whether it was written down what the step did. If not, the process died in it or after it,
  /// before its next input.
  [[nodiscard]] bool verifiable() const { return effects_recorded_ahead().has_value(); }
  /// Before the boot there is none.
  [[nodiscard]] const raft::Replica* replica() const {
    return driver_ ? &driver_->replica() : nullptr;
  }

  struct Played {
    std::uint64_t produced = 0;  // the hash of its effects
    /// The hash recorded; nothing when the process died before the next input.
    std::optional<std::uint64_t> recorded;
    [[nodiscard]] bool differs() const { return recorded && *recorded != produced; }
  };
  /// Executes the loaded step. REQUIRES: load() yielded kStep. Errors: those of replay_step.
  Result<Played> play();
  [[nodiscard]] const Output& output() const { return output_; }

  /// The state that the steps led to, where a checkpoint says otherwise.
  [[nodiscard]] const raft::Replica& fork() const { return fork_->replica(); }
  /// Segments read so far that end within a record.
  [[nodiscard]] std::uint64_t torn() const { return torn_; }

 private:
  /// A record and the file that it borrows from.
  struct Item {
    std::shared_ptr<const std::string> bytes;
    std::size_t segment = 0;
    JournalRecord record;
  };
  explicit Playback(ReadFile read) : read_(std::move(read)) {}
  Result<void> add_segment(std::uint64_t number, const std::string& file);
  Result<std::optional<Item>> next_item();
  /// Goes on from a checkpoint; whether it differs from the state reached.
  Result<bool> take(const JournalCheckpoint& checkpoint, const Segment& segment);
  [[nodiscard]] std::optional<std::uint64_t> effects_recorded_ahead() const;

  ReadFile read_;
  std::vector<Segment> segments_;
  std::size_t reading_ = 0;  // the segment
  std::shared_ptr<const std::string> bytes_;
  std::optional<JournalReader> reader_;
  std::uint64_t torn_ = 0;

  Result<std::optional<Item>> ahead_ = std::optional<Item>();  // one record ahead of the loaded one
  bool begun_ = false;
  std::shared_ptr<const std::string> lent_;  // what input_ borrows from
  StepId id_;
  Moment moment_;
  std::optional<JournalInput> input_;
  std::optional<raft::Start> start_;
  std::optional<Driver> driver_;
  std::optional<Driver> fork_;
  Output output_;
  std::string buffer_;
};

}  // namespace ww::host
