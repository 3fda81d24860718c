#include "nodes/raft/snapshot.hpp"

#include "base/bytes.hpp"

namespace ww::raft {

std::string encode_snapshot(const wire::Configuration& configuration, const kv::Machine& machine) {
  std::string out;
  ByteWriter w(out);
  wire::encode_configuration(out, configuration);
  w.u64(machine.digest());
  machine.encode(out);
  return out;
}

Result<SnapshotContent> decode_snapshot(std::string_view bytes, kv::Limits limits) {
  SnapshotContent out;
  ByteReader in(bytes);
  out.configuration = wire::read_configuration(in);
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
