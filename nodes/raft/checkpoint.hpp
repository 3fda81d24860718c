// A whole replica as bytes, and back: what a journal opens with, so that a run can be gone on from
// there without what came before.
//
// The types describe their own members (`fields`, as in base/wire/fields.hpp, next to the members);
// here is only how each kind of member is written. Derived things are derived again: the log is its
// encoded entries, whose terms, offsets and hashes follow.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "nodes/raft/replica.hpp"

namespace ww::raft {

/// To be raised when a member is added, removed, or changes its meaning.
inline constexpr std::uint32_t kCheckpointVersion = 10;

/// Appends kCheckpointVersion and the replica; equal replicas yield equal bytes.
void encode_checkpoint(std::string& out, const Replica& replica);

/// The replica that was encoded: equal to it, and going on as it would have.
/// Errors: kCorrupt, definite: another version, bytes that do not decode, or a state that no
///         replica can be in and that its code could not bear.
Result<Replica> decode_checkpoint(std::string_view bytes);

/// Parts of it on their own, for what a journal says about a start.
void encode_start(std::string& out, const Config& config, const Durable& survived);
/// Errors: kCorrupt, definite, as above.
struct Start {
  Config config;
  Durable survived;
};
Result<Start> decode_start(std::string_view bytes);

}  // namespace ww::raft
