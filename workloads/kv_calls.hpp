// How calls become commands of the key-value machine, and its answers parts of ops.
#pragma once

#include <string>
#include <vector>

#include "base/op.hpp"
#include "base/wire/kv.hpp"
#include "workloads/generator.hpp"

namespace ww::workloads {

/// The command of a call, without session and sequence number. Keys and values travel as decimal
/// text.
[[nodiscard]] wire::Command command_of(const Call& call);

/// The number that `text` is the shortest decimal form of, or the text itself.
[[nodiscard]] Value value_of(const std::string& text);

/// What a watch of `key` asks for; none for kEveryKey.
[[nodiscard]] std::vector<std::string> watched_keys(std::uint64_t key);

/// Whether the call changes state, and so needs a session, and `info` when nobody knows its fate.
[[nodiscard]] bool mutates(Func f);

/// Fills in what an `ok` reply says: the value read, whether a cas matched and what it saw, and
/// where it took effect. A value that no call of ours can have written is kept as text, so that the
/// checker sees it.
void read_answer(const wire::ClientReply& reply, Op& op);

}  // namespace ww::workloads
