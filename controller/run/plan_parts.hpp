// The parts of plan.json that say what a run did in detail: its calls, and its network.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "controller/run/network.hpp"
#include "workloads/script.hpp"

namespace ww::run {

/// Appends the calls as a JSON list, one a line:
/// {"at_ms":12.5,"worker":3,"ordinal":7,"f":"cas","key":2,"value":[1,5]}. A read through the log
/// has "read":"log".
void append_json(std::string& out, const workloads::Script& script);

/// Reads such a list and checks it. `name` is used in errors.
///
/// Errors: kUsage naming the op and the field, and those of workloads::check_script.
Result<workloads::Script> parse_script(std::string_view text, const std::string& name,
                                       std::uint32_t workers);

/// Appends the network as a JSON object, a delivery a line; what is as usual is left out. A
/// delivery without "delay_ms" is a loss.
void append_json(std::string& out, const Network& network);

/// Errors: kUsage naming the path: "plan.json, network.deliveries[2]: type: ...".
Result<Network> parse_network(std::string_view text, const std::string& name, std::uint32_t nodes);

/// "append from n1 to n3 in term 5, content 42, number 2 of its kind": what a message is, for
/// people.
std::string describe(const MessageKey& message);

}  // namespace ww::run
