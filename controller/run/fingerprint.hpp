// What happened in a deterministic run, as a rolling hash with checkpoints.
//
// Everything that a run does goes in, in order, in its canonical binary encoding: trace records,
// frames, disk images, state digests, lines of the history. Two runs are the same when their hashes
// are; when not, the first checkpoint that differs tells where to look, and a second run of each
// side with a window there yields the first event that differs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/evidence.hpp"
#include "base/op.hpp"
#include "base/time.hpp"
#include "base/wire/envelope.hpp"
#include "base/wire/trace.hpp"

namespace ww::run {

/// Events [first, first + count) of a run, to be written down.
struct Window {
  std::uint64_t first = 0;
  std::uint64_t count = 0;
};

struct Fingerprint {
  /// Events between two checkpoints.
  static constexpr std::uint64_t kCheckpointEvery = 1024;

  std::uint64_t hash = 0;
  std::uint64_t events = 0;
  std::vector<std::uint64_t> checkpoints;  // the hash after every kCheckpointEvery events
  std::vector<std::string> window;         // the events asked for, one a line, for people
  friend bool operator==(const Fingerprint& a, const Fingerprint& b) {
    return a.hash == b.hash && a.events == b.events;
  }
};

/// Takes the fingerprint of a run while it goes on.
///
/// Shape: O(bytes of the event) each; memory is a checkpoint for every kCheckpointEvery events,
///        and the text of the window.
class Recorder {
 public:
  explicit Recorder(std::optional<Window> window) : window_(window) {}

  void add_start(NodeId node, Incarnation incarnation, Instant time);
  void add_record(NodeId node, Incarnation incarnation, const wire::trace::Record& record);
  void add_death(NodeId node, Incarnation incarnation, Instant time, Death how);
  /// `what`: when the image was taken.
  void add_disk(NodeId node, Instant time, std::string_view what, const DiskImage& image);
  void add_frame(Instant time, const wire::Envelope& envelope, std::string_view payload);
  void add_digest(NodeId node, Instant time, std::uint64_t digest);
  void add_op(const Op& op);
  [[nodiscard]] Fingerprint finish() { return std::move(print_); }

 private:
  enum class Kind : std::uint8_t { kStart, kRecord, kDeath, kDisk, kFrame, kDigest, kOp };
  void add(Kind kind, std::uint64_t who, Instant time, std::uint64_t content);
  /// Whether the next event is to be written down.
  [[nodiscard]] bool wanted() const {
    return window_ && print_.events >= window_->first &&
           print_.events < window_->first + window_->count;
  }
  void note(std::string text);

  std::optional<Window> window_;
  Fingerprint print_;
  std::string buffer_;
};

/// "3f2a9c0d11e0b7aa".
std::string hex(std::uint64_t hash);

/// "3f2a9c0d11e0b7aa, 81234 events".
std::string describe(const Fingerprint& print);

/// Where two runs part: the window that holds the first differing event.
Window first_difference(const Fingerprint& a, const Fingerprint& b);

}  // namespace ww::run
