// What a step did, as canonical bytes to be hashed and as lines to be read.
#pragma once

#include <string>
#include <vector>

#include "nodes/host/driver.hpp"

namespace ww::host {

/// Appends everything that a step led to: its trace events, writes with their bytes, messages with
/// their entries and answers, in order, and the deadline that the node waits for afterwards. Equal
/// bytes mean equal effects.
void encode_effects(std::string& out, const Output& output, Instant deadline);

/// The same for people, in order: each trace event as its line of trace.jsonl, whose `s` is the
/// step's number here, and each thing done as {"do":"write"|"send"|"answer"|"save"|
/// "notice",...}.
std::vector<std::string> effect_lines(NodeId node, Incarnation incarnation, std::uint64_t step,
                                      const Moment& moment, const Output& output);

}  // namespace ww::host
