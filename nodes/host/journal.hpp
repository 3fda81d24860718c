// The bytes of a node's journal (docs/replay.md): every input of its replica, in order, with a hash
// of what each step did. Pure functions, both directions.
//
// An input is written down before it is fed, so that the step that kills a process is there too;
// the hash of what it did stands in the record that follows.
//
// A segment file is kJournalMagic, then records: a Head, an opening (Boot where the process began,
// else Checkpoint), a Step for each input, and an End where the process ended well. A record is u32
// length, u32 CRC-32C of the length, u32 CRC-32C of the payload, payload: u8 kind, fields. The
// length has a checksum of its own so that a file that was cut in the middle of a record, which a
// kill may do, is told from one that was damaged.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.hpp"
#include "nodes/host/driver.hpp"
#include "nodes/raft/checkpoint.hpp"

namespace ww::host {

/// Ends in the format's version.
inline constexpr std::string_view kJournalMagic = "WWJRNL05";
inline constexpr std::size_t kJournalRecordHeader = 12;
/// No record is longer; a checkpoint that would be ends the journal.
inline constexpr std::uint32_t kMaxJournalRecord = 1U << 30;

/// "journal-0000000042.seg".
std::string journal_segment_name(std::uint64_t segment);
/// The number in such a name; none for any other. Segments count from 1, over all incarnations.
std::optional<std::uint64_t> journal_segment_number(std::string_view name);

struct JournalHead {
  std::string build;  // which build wrote it, as it was told
  NodeId node;
  std::uint64_t segment = 0;
  Incarnation incarnation = 0;
  /// Steps count from 1 in each incarnation; the boot is step 0.
  std::uint64_t first_step = 0;
  friend bool operator==(const JournalHead&, const JournalHead&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("build", s.build), v("node", s.node), v("segment", s.segment);
    v("incarnation", s.incarnation), v("first_step", s.first_step);
  }
};
struct JournalBoot {
  Moment moment;
  raft::Start start;
};
/// `effects_before`, here and below: the hash of encode_effects of the step before.
struct JournalCheckpoint {
  std::uint64_t effects_before = 0;
  std::string_view driver;  // Driver::append_checkpoint; lent by the file
};
/// A frame's payload as it was received.
struct ReceivedFrame {
  std::string_view payload;
};
using JournalInput =
    std::variant<raft::TimerDue, ReceivedFrame, raft::Written, raft::Request, raft::Saved,
                 raft::TransferLeadership, raft::ChangeMembership, raft::Watch>;
struct JournalStep {
  std::uint64_t effects_before = 0;
  Moment moment;
  JournalInput input;  // lent by the file
};
struct JournalEnd {
  std::uint64_t effects_before = 0;
};
using JournalRecord =
    std::variant<JournalHead, JournalBoot, JournalCheckpoint, JournalStep, JournalEnd>;

void append_record(std::string& out, const JournalHead& head);
void append_record(std::string& out, const JournalBoot& boot);
void append_record(std::string& out, const JournalEnd& end);
void append_record(std::string& out, std::uint64_t effects_before, const Driver& driver);
/// Of a step whose input is at hand as it is fed: no copy of it is made.
void append_record(std::string& out, std::uint64_t effects_before, const Moment& moment,
                   const raft::Input& input);
void append_record(std::string& out, std::uint64_t effects_before, const Moment& moment,
                   const ReceivedFrame& frame);

/// Reads a segment file record by record.
class JournalReader {
 public:
  /// REQUIRES: `file` outlives the reader and what it yields.
  explicit JournalReader(std::string_view file) : file_(file) {}
  /// The next record; nothing at the end, which may be in the middle of a record: see torn().
  /// Errors: kCorrupt, definite, naming the offset: not a journal, a checksum that does not match,
  ///         fields that do not decode.
  Result<std::optional<JournalRecord>> next();
  /// The file ended within a record.
  [[nodiscard]] bool torn() const { return torn_; }
  [[nodiscard]] std::size_t offset() const { return at_; }

 private:
  std::string_view file_;
  std::size_t at_ = 0;
  bool torn_ = false;
};

}  // namespace ww::host
