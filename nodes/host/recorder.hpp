// The flight recorder: a driver that journals what it is fed, and a hash of what it then did.
//
// A record is handed to the system before its step is taken, and never synced: it survives the
// process, however that dies, but not the machine. The journal is a help for people; whatever goes
// wrong with it ends it and nothing else.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "nodes/host/driver.hpp"
#include "nodes/storage/byte_store.hpp"

namespace ww::host {

struct JournalOptions {
  std::string build{};  // which build this is, for whoever replays it
  /// A segment that has grown to this is followed by another, or to twice its opening where that is
  /// longer, so that checkpoints of a large log do not come to be most of what is written.
  std::uint64_t segment_bytes = std::uint64_t{16} << 20;
  std::uint32_t segments = 8;  // so many are kept, the one being written among them
};

/// Writes a node's segments, one after the other.
class Journal {
 public:
  /// Goes on behind what is in `files`, whose last writer is gone.
  /// REQUIRES: `files` outlives the journal. Errors: those of the store.
  static Result<Journal> open(storage::ByteStore& files, JournalOptions options);

  /// Begins a segment whose head says that `first_step` comes next (0: the boot itself), and its
  /// opening, a whole record. Removes the oldest segments beyond those to be kept.
  /// Errors: those of the store; kTooLarge when the opening is longer than any record may be.
  Result<void> begin_segment(NodeId node, Incarnation incarnation, std::uint64_t first_step,
                             std::string_view opening);
  /// Errors: those of the store.
  Result<void> append(std::string_view record);
  [[nodiscard]] bool segment_is_full() const { return size_ >= full_at_; }

 private:
  Journal(storage::ByteStore& files, JournalOptions options)
      : files_(&files), options_(std::move(options)) {}

  storage::ByteStore* files_;
  JournalOptions options_;
  std::vector<std::uint64_t> segments_;  // ascending
  std::string file_;                     // being written
  std::uint64_t size_ = 0;
  std::uint64_t full_at_ = 0;
};

/// A driver, recorded. Its calls are the driver's.
class RecordedDriver {
 public:
  /// Called once, when the journal ends before the node does.
  using Complaint = std::function<void(const std::string&)>;

  /// Without a `journal` nothing is recorded.
  RecordedDriver(raft::Config config, raft::Durable survived, const Moment& moment, Output& out,
                 std::optional<Journal> journal, Complaint complain);

  void step(const Moment& moment, const raft::Input& input, Output& out);
  /// `payload`: what `frame` was decoded from.
  void receive(const Moment& moment, const wire::PeerFrame& frame, std::string_view payload,
               Output& out);

  /// Notes what the last step did, which else the record of the next would; for a process that ends
  /// well. Nothing is recorded any more.
  void finish();

  [[nodiscard]] Instant deadline() const { return driver_->deadline(); }
  [[nodiscard]] const raft::Replica& replica() const { return driver_->replica(); }
  [[nodiscard]] bool recording() const { return journal_.has_value(); }

 private:
  template <class Input>
  void record(const Moment& moment, const Input& input);
  void note_effects(const Output& out);
  /// Ends the journal when its last call failed.
  void keep_if(const Result<void>& written);

  std::optional<Driver> driver_;
  std::optional<Journal> journal_;
  Complaint complain_;
  NodeId node_;
  Incarnation incarnation_ = 0;
  std::uint64_t next_step_ = 0;  // the boot is step 0
  std::uint64_t effects_ = 0;    // of the last step
  std::string buffer_;           // reused from step to step
};

}  // namespace ww::host
