// A snapshot: what replaces the log up to a position (Raft paper, section 7; dissertation, ch. 5).
//
// Its bytes are the same on disk and on the way to another node: varint voters, each as varint;
// u64 digest of the state machine; the state machine (kv::Machine::encode), sessions included.
// They depend on the position alone, whoever made them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.hpp"
#include "base/result.hpp"
#include "nodes/kv/machine.hpp"

namespace ww::raft {

struct Snapshot {
  LogPosition at;  // {0, 0}: there is none
  std::string bytes;
  friend bool operator==(const Snapshot&, const Snapshot&) = default;
  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("at", s.at), v("bytes", s.bytes);
  }
};

struct SnapshotContent {
  std::vector<NodeId> voters;
  kv::Machine machine;
};

std::string encode_snapshot(const std::vector<NodeId>& voters, const kv::Machine& machine);
/// Errors: kCorrupt, definite: bytes that do not decode, or a state that has another digest.
Result<SnapshotContent> decode_snapshot(std::string_view bytes, kv::Limits limits);

}  // namespace ww::raft
