#include "nodes/host/playback.hpp"

#include <algorithm>
#include <map>
#include <utility>

#include "base/assert.hpp"
#include "base/hash.hpp"
#include "base/wire/fields.hpp"
#include "nodes/host/effects.hpp"

namespace ww::host {

namespace {

Error corrupt(std::string what) {
  return Error{ErrorCode::kCorrupt, true, std::move(what)};
}

Error in_file(const std::string& file, const Error& error) {
  return Error{error.code, error.definite, file + ": " + error.message};
}

std::string line_of_frame(std::string_view payload) {
  std::string out = R"({"in":"message")";
  wire::JsonFields fields(out);
  const auto frame = wire::decode_peer(payload);
  if (!frame) {
    fields("malformed", true);
    return out + "}";
  }
  fields("from", wire::node_of(frame->envelope.from));
  fields("id", frame->envelope.id);
  const auto summary = wire::trace::summarize(frame->message, wire::borrowed_by(frame->message));
  summary.fields(summary, fields);
  return out + "}";
}

template <class Completion>
std::string line_of(std::string out, const char* name, const Completion& completion) {
  wire::JsonFields fields(out);
  fields(name, completion.id);
  fields("ok", completion.outcome.ok());
  if (!completion.outcome.ok()) fields("error", completion.outcome.error().message);
  return out + "}";
}

}  // namespace

std::string name_of(const StepId& id) {
  return std::to_string(id.incarnation) + "." + std::to_string(id.step);
}

Result<void> replay_step([[maybe_unused]] Incarnation incarnation,
                         [[maybe_unused]] std::uint64_t step, Driver& driver, const Moment& moment,
                         const JournalInput& input, Output& out) {
  if (const auto* received = std::get_if<ReceivedFrame>(&input)) {
    const auto frame = wire::decode_peer(received->payload);
    if (!frame) return frame.error();
    if (frame->envelope.to != wire::endpoint_of(driver.replica().self())) {
      return corrupt("a message for " + wire::name_of(frame->envelope.to));
    }
    driver.receive(moment, *frame, out);
  } else if (const auto* written = std::get_if<raft::Written>(&input)) {
    driver.step(moment, *written, out);
  } else if (const auto* saved = std::get_if<raft::Saved>(&input)) {
    driver.step(moment, *saved, out);
  } else if (const auto* request = std::get_if<raft::Request>(&input)) {
    driver.step(moment, *request, out);
  } else if (const auto* transfer = std::get_if<raft::TransferLeadership>(&input)) {
    driver.step(moment, *transfer, out);
  } else if (const auto* change = std::get_if<raft::ChangeMembership>(&input)) {
    driver.step(moment, *change, out);
  } else if (const auto* watch = std::get_if<raft::Watch>(&input)) {
    driver.step(moment, *watch, out);
  } else {
    if (moment.now.mono < driver.deadline()) return corrupt("a timer that was not due");
    driver.step(moment, raft::TimerDue{}, out);
  }
  return {};
}

std::string input_line(const JournalInput& input) {
  if (const auto* frame = std::get_if<ReceivedFrame>(&input)) return line_of_frame(frame->payload);
  if (const auto* written = std::get_if<raft::Written>(&input)) {
    return line_of(R"({"in":"written")", "write", *written);
  }
  if (const auto* saved = std::get_if<raft::Saved>(&input)) {
    return line_of(R"({"in":"saved")", "save", *saved);
  }
  if (const auto* request = std::get_if<raft::Request>(&input)) {
    std::string out = R"({"in":"request")";
    wire::JsonFields fields(out);
    request->id.fields(request->id, fields);
    fields("read_mode", request->read_mode);
    request->command.fields(request->command, fields);
    return out + "}";
  }
  if (const auto* transfer = std::get_if<raft::TransferLeadership>(&input)) {
    std::string out = R"({"in":"transfer")";
    wire::JsonFields fields(out);
    fields("to", transfer->to);
    return out + "}";
  }
  if (const auto* change = std::get_if<raft::ChangeMembership>(&input)) {
    std::string out = R"({"in":"membership")";
    wire::JsonFields fields(out);
    change->fields(*change, fields);
    return out + "}";
  }
  if (const auto* watch = std::get_if<raft::Watch>(&input)) {
    std::string out = R"({"in":"watch")";
    wire::JsonFields fields(out);
    fields("conn", watch->connection);
    watch->request.fields(watch->request, fields);
    return out + "}";
  }
  return R"({"in":"timer"})";
}

Result<Playback> Playback::open(const std::vector<std::string>& names, ReadFile read) {
  std::map<std::uint64_t, std::string> files;
  for (const std::string& name : names) {
    if (const auto number = journal_segment_number(name)) files.emplace(*number, name);
  }
  Playback out(std::move(read));
  for (const auto& [number, file] : files) {
    if (auto added = out.add_segment(number, file); !added) return in_file(file, added.error());
  }
  if (out.segments_.empty()) {
    return Error{ErrorCode::kUsage, true, "there is no segment of a journal that holds a step"};
  }
  return out;
}

Result<void> Playback::add_segment(std::uint64_t number, const std::string& file) {
  const auto bytes = read_(file);
  if (!bytes) return bytes.error();
  JournalReader reader(*bytes);
  const auto first = reader.next();
  if (!first) return first.error();
  const auto opening = reader.next();
  if (!opening) return opening.error();
  if (!*first || !*opening) {
    ++torn_;
    return {};
  }
  const auto* head = std::get_if<JournalHead>(&**first);
  const bool boots = std::holds_alternative<JournalBoot>(**opening);
  if (head == nullptr || (!boots && !std::holds_alternative<JournalCheckpoint>(**opening))) {
    return corrupt("it does not begin as a segment does");
  }
  if (head->segment != number || boots != (head->first_step == 0)) {
    return corrupt("its head does not fit to its name or its opening");
  }
  if (!segments_.empty()) {
    if (head->node != segments_.back().head.node) {
      return corrupt("it is a segment of " + name_of(head->node) + ", unlike the one before");
    }
    if (StepId{head->incarnation, head->first_step} <= segments_.back().begin()) {
      return corrupt("it begins before the segment before it");
    }
  }
  segments_.push_back({file, *head});
  return {};
}

Result<void> Playback::seek(const StepId& id) {
  WW_ASSERT(!begun_, "seek comes first");
  if (id < segments_.front().begin()) {
    return Error{ErrorCode::kUsage, true,
                 "step " + name_of(id) + " is not held any more; the first is " +
                     name_of(segments_.front().begin())};
  }
  while (reading_ + 1 < segments_.size() && segments_[reading_ + 1].begin() <= id) ++reading_;
  return {};
}

Result<std::optional<Playback::Item>> Playback::next_item() {
  while (reading_ < segments_.size()) {
    const Segment& segment = segments_[reading_];
    if (!reader_) {
      auto bytes = read_(segment.file);
      if (!bytes) return in_file(segment.file, bytes.error());
      bytes_ = std::make_shared<const std::string>(std::move(*bytes));
      reader_.emplace(*bytes_);
    }
    auto record = reader_->next();
    if (!record) return in_file(segment.file, record.error());
    if (*record) {
      if (std::holds_alternative<JournalHead>(**record)) continue;
      return std::optional<Item>(Item{bytes_, reading_, std::move(**record)});
    }
    torn_ += reader_->torn() ? 1 : 0;
    reader_.reset();
    ++reading_;
  }
  return std::optional<Item>();
}

Result<Playback::Loaded> Playback::load() {
  if (!std::exchange(begun_, true)) ahead_ = next_item();
  while (true) {
    if (!ahead_) return ahead_.error();
    if (!*ahead_) return Loaded::kEnd;
    const Item item = std::move(**ahead_);
    ahead_ = next_item();
    const Segment& segment = segments_[item.segment];
    if (const auto* boot = std::get_if<JournalBoot>(&item.record)) {
      driver_.reset();
      id_ = segment.begin();
      moment_ = boot->moment;
      input_.reset();
      start_ = boot->start;
      return Loaded::kStep;
    }
    if (const auto* checkpoint = std::get_if<JournalCheckpoint>(&item.record)) {
      const auto forks = take(*checkpoint, segment);
      if (!forks) return forks.error();
      if (*forks) return Loaded::kFork;
    } else if (const auto* step = std::get_if<JournalStep>(&item.record)) {
      ++id_.step;
      moment_ = step->moment;
      input_ = step->input;
      lent_ = item.bytes;
      return Loaded::kStep;
    }
  }
}

Result<bool> Playback::take(const JournalCheckpoint& checkpoint, const Segment& segment) {
  auto restored = Driver::restore(checkpoint.driver);
  if (!restored) return in_file(segment.file, restored.error());
  const StepId before{segment.head.incarnation, segment.head.first_step - 1};
  const bool goes_on = driver_ && id_.incarnation == before.incarnation;
  if (goes_on && id_ != before) {
    return corrupt(segment.file + ": it begins with step " + name_of(segment.begin()) +
                   ", but the segment before it ends with " + name_of(id_));
  }
  const bool forks = goes_on && !(*driver_ == *restored);
  fork_ = std::move(driver_);
  driver_ = std::move(*restored);
  id_ = before;
  return forks;
}

std::optional<std::uint64_t> Playback::effects_recorded_ahead() const {
  if (!ahead_ || !*ahead_) return std::nullopt;
  // The process died after this step where another incarnation follows.
  if (segments_[(*ahead_)->segment].head.incarnation != id_.incarnation) return std::nullopt;
  const JournalRecord& record = (*ahead_)->record;
  if (const auto* opening = std::get_if<JournalCheckpoint>(&record)) return opening->effects_before;
  if (const auto* step = std::get_if<JournalStep>(&record)) return step->effects_before;
  if (const auto* end = std::get_if<JournalEnd>(&record)) return end->effects_before;
  return std::nullopt;
}

Result<Playback::Played> Playback::play() {
  if (start_) {
    raft::Start start = *std::exchange(start_, std::nullopt);
    driver_.emplace(std::move(start.config), std::move(start.survived), moment_, output_);
  } else {
    WW_ASSERT(driver_ && input_, "a step is loaded before it is played");
    auto fed = replay_step(id_.incarnation, id_.step, *driver_, moment_, *input_, output_);
    if (!fed) return in_file("step " + name_of(id_), fed.error());
  }
  buffer_.clear();
  encode_effects(buffer_, output_, driver_->deadline());
  return Played{hash_bytes(buffer_), effects_recorded_ahead()};
}

}  // namespace ww::host
