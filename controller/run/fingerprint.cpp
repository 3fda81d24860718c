#include "controller/run/fingerprint.hpp"

#include <algorithm>
#include <utility>

#include "base/hash.hpp"
#include "base/history.hpp"

namespace ww::run {

namespace {

std::string at(Instant time) {
  return std::to_string(to_ns(time)) + " ns  ";
}

}  // namespace

void Recorder::add(Kind kind, std::uint64_t who, Instant time, std::uint64_t content) {
  std::uint64_t hash = hash_combine(print_.hash, static_cast<std::uint64_t>(kind) << 32 | who);
  hash = hash_combine(hash, static_cast<std::uint64_t>(to_ns(time)));
  print_.hash = hash_combine(hash, content);
  if (++print_.events % Fingerprint::kCheckpointEvery == 0) {
    print_.checkpoints.push_back(print_.hash);
  }
}

void Recorder::note(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  print_.window.push_back(std::move(text));
}

void Recorder::add_start(NodeId node, Incarnation incarnation, Instant time) {
  if (wanted()) {
    note(at(time) + ww::name_of(node) + " starts as incarnation " + std::to_string(incarnation));
  }
  add(Kind::kStart, node.value, time, incarnation);
}

void Recorder::add_record(NodeId node, Incarnation incarnation, const wire::trace::Record& record) {
  if (wanted()) {
    std::string line;
    wire::trace::append_json(line, node, incarnation, record);
    note(at(record.time) + line);
  }
  buffer_.clear();
  wire::trace::encode(buffer_, record.sequence, record.time, record.event);
  add(Kind::kRecord, node.value, record.time, hash_bytes(buffer_, incarnation));
}

void Recorder::add_death(NodeId node, Incarnation incarnation, Instant time, Death how) {
  if (wanted()) note(at(time) + ww::name_of(node) + " is gone: " + std::string(name_of(how)));
  add(Kind::kDeath, node.value, time, hash_combine(incarnation, static_cast<std::uint64_t>(how)));
}

void Recorder::add_disk(NodeId node, Instant time, std::string_view what, const DiskImage& image) {
  std::uint64_t hash = hash_bytes(what);
  for (const auto& [name, bytes] : image) hash = hash_bytes(bytes, hash_bytes(name, hash));
  if (wanted()) {
    std::string text = at(time) + ww::name_of(node) + "'s files as " + std::string(what) + ":";
    for (const auto& [name, bytes] : image) {
      text += " " + name + " (" + std::to_string(bytes.size()) + " bytes, " +
              hex(hash_bytes(bytes)) + ")";
    }
    note(std::move(text));
  }
  add(Kind::kDisk, node.value, time, hash);
}

void Recorder::add_frame(Instant time, const wire::Envelope& envelope, std::string_view payload) {
  const std::uint64_t hash = hash_bytes(payload);
  if (wanted()) {
    note(at(time) + wire::name_of(envelope.from) + " sends " +
         std::string(wire::name_of(envelope.type)) + " of term " + std::to_string(envelope.term) +
         " to " + wire::name_of(envelope.to) + ": " + std::to_string(payload.size()) + " bytes, " +
         hex(hash));
  }
  add(Kind::kFrame, envelope.from.value, time, hash);
}

void Recorder::add_digest(NodeId node, Instant time, std::uint64_t digest) {
  if (wanted()) note(at(time) + ww::name_of(node) + "'s state is " + hex(digest));
  add(Kind::kDigest, node.value, time, digest);
}

void Recorder::add_op(const Op& op) {
  buffer_.clear();
  append_json(buffer_, op);
  if (wanted()) note("history: " + buffer_);
  add(Kind::kOp, 0, instant_at(op.time), hash_bytes(buffer_));
}

std::string hex(std::uint64_t hash) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out(16, '0');
  for (std::size_t i = 0; i < 16; ++i) out[15 - i] = kDigits[(hash >> (4 * i)) & 15];
  return out;
}

std::string describe(const Fingerprint& print) {
  return hex(print.hash) + ", " + std::to_string(print.events) + " events";
}

Window first_difference(const Fingerprint& a, const Fingerprint& b) {
  // Once the hashes differ they stay different, so the first one that does is found by bisection.
  const std::size_t common = std::min(a.checkpoints.size(), b.checkpoints.size());
  std::size_t low = 0;
  std::size_t high = common;
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    if (a.checkpoints[middle] == b.checkpoints[middle]) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return {low * Fingerprint::kCheckpointEvery, Fingerprint::kCheckpointEvery};
}

}  // namespace ww::run
