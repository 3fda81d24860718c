#include "nodes/host/recorder.hpp"

#include <algorithm>
#include <utility>

#include "base/hash.hpp"
#include "nodes/host/effects.hpp"
#include "nodes/host/journal.hpp"

namespace ww::host {

Result<Journal> Journal::open(storage::ByteStore& files, JournalOptions options) {
  Journal journal(files, std::move(options));
  const auto names = files.list();
  if (!names) return names.error();
  for (const std::string& name : *names) {
    if (const auto segment = journal_segment_number(name)) journal.segments_.push_back(*segment);
  }
  std::sort(journal.segments_.begin(), journal.segments_.end());
  return journal;
}

Result<void> Journal::begin_segment(NodeId node, Incarnation incarnation, std::uint64_t first_step,
                                    std::string_view opening) {
  if (opening.size() > kMaxJournalRecord) {
    return Error{ErrorCode::kTooLarge, true,
                 "a checkpoint of " + std::to_string(opening.size()) + " bytes"};
  }
  const std::uint64_t segment = segments_.empty() ? 1 : segments_.back() + 1;
  std::string begin(kJournalMagic);
  append_record(begin, JournalHead{.build = options_.build,
                                   .node = node,
                                   .segment = segment,
                                   .incarnation = incarnation,
                                   .first_step = first_step});
  begin += opening;
  file_ = journal_segment_name(segment);
  if (auto made = files_->create(file_); !made) return made;
  segments_.push_back(segment);
  size_ = 0;
  full_at_ = std::max<std::uint64_t>(options_.segment_bytes, 2 * begin.size());
  if (auto written = append(begin); !written) return written;
  while (segments_.size() > std::max<std::uint32_t>(1, options_.segments)) {
    if (auto gone = files_->unlink(journal_segment_name(segments_.front())); !gone) return gone;
    segments_.erase(segments_.begin());
  }
  return {};
}

Result<void> Journal::append(std::string_view record) {
  auto written = files_->write(file_, size_, record);
  size_ += record.size();
  return written;
}

RecordedDriver::RecordedDriver(raft::Config config, raft::Durable survived, const Moment& moment,
                               Output& out, std::optional<Journal> journal, Complaint complain)
    : journal_(std::move(journal)),
      complain_(std::move(complain)),
      node_(config.self),
      incarnation_(config.incarnation) {
  if (!journal_) {
    driver_.emplace(std::move(config), std::move(survived), moment, out);
    return;
  }
  append_record(buffer_, JournalBoot{moment, {config, survived}});
  keep_if(journal_->begin_segment(node_, incarnation_, next_step_++, buffer_));
  driver_.emplace(std::move(config), std::move(survived), moment, out);
  note_effects(out);
}

void RecordedDriver::step(const Moment& moment, const raft::Input& input, Output& out) {
  record(moment, input);
  driver_->step(moment, input, out);
  note_effects(out);
}

void RecordedDriver::receive(const Moment& moment, const wire::PeerFrame& frame,
                             std::string_view payload, Output& out) {
  record(moment, ReceivedFrame{payload});
  driver_->receive(moment, frame, out);
  note_effects(out);
}

void RecordedDriver::finish() {
  if (!journal_) return;
  buffer_.clear();
  append_record(buffer_, JournalEnd{effects_});
  keep_if(journal_->append(buffer_));
  journal_.reset();
}

template <class Input>
void RecordedDriver::record(const Moment& moment, const Input& input) {
  if (!journal_) return;
  if (journal_->segment_is_full()) {
    buffer_.clear();
    append_record(buffer_, effects_, *driver_);
    keep_if(journal_->begin_segment(node_, incarnation_, next_step_, buffer_));
    if (!journal_) return;
  }
  buffer_.clear();
  append_record(buffer_, effects_, moment, input);
  keep_if(journal_->append(buffer_));
  ++next_step_;
}

void RecordedDriver::note_effects(const Output& out) {
  if (!journal_) return;
  buffer_.clear();
  encode_effects(buffer_, out, driver_->deadline());
  effects_ = hash_bytes(buffer_);
}

void RecordedDriver::keep_if(const Result<void>& written) {
  if (written) return;
  journal_.reset();
  complain_("the journal ends before step " + std::to_string(incarnation_) + "." +
            std::to_string(next_step_) + ": " + written.error().message);
}

}  // namespace ww::host
