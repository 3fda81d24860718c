// A violation of linearizability in one sentence.
#pragma once

#include <string>

#include "base/verdict.hpp"
#include "checkers/key_history.hpp"
#include "checkers/minimise.hpp"

namespace ww::checkers {

/// Turns a key's minimal impossible ops into a violation of property "LIN".
///
/// `pairs` are all ops of the key, those that failed included: whether anybody wrote a value that
/// was seen is asked of all of them. The witness holds invocation and completion of each minimal op
/// in the order of the history.
[[nodiscard]] Violation explain(const History& history, std::span<const OpPair> pairs,
                                std::uint64_t key, const Minimal& minimal, const Value& initial,
                                bool times_are_lines);

/// A value as sentences print it: "nil", "4", "[1 2]", "\"x\"".
[[nodiscard]] std::string text_of(const Value& value);

/// "1.203 s" or "1.203456 s", or "line 12".
[[nodiscard]] std::string text_of_time(std::int64_t time, bool times_are_lines);

}  // namespace ww::checkers
