#include "nodes/raft/snapshot.hpp"

#include "base/bytes.hpp"

namespace ww::raft {

std::string encode_snapshot(const std::vector<NodeId>& voters, const kv::Machine& machine) {
  std::string out;
  ByteWriter w(out);
  w.varint(voters.size());
  for (const NodeId voter : voters) w.varint(voter.value);
  w.u64(machine.digest());
  machine.encode(out);
  return out;
}

Result<SnapshotContent> decode_snapshot(std::string_view bytes, kv::Limits limits) {
  SnapshotContent out;
  ByteReader in(bytes);
  for (std::uint64_t left = in.varint(); left > 0 && in.ok(); --left) {
    out.voters.push_back(NodeId{static_cast<std::uint32_t>(in.varint())});
  }
  const std::uint64_t digest = in.u64();
  const std::string_view state = in.rest();
  if (!in.ok()) return Error{ErrorCode::kCorrupt, true, "a snapshot that does not decode"};
  auto machine = kv::Machine::decode(state, limits);
  if (!machine) return machine.error();
  if (machine->digest() != digest) {
    return Error{ErrorCode::kCorrupt, true, "a snapshot whose state has another digest"};
  }
  out.machine = std::move(*machine);
  return out;
}

}  // namespace ww::raft
