// The seed of a random test: fixed, so that a suite is repeatable, and free to be varied.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <string>

namespace ww::test {

/// WW_TEST_SEED of the environment, or 1.
inline std::uint64_t seed() {
  const char* text = std::getenv("WW_TEST_SEED");
  return text != nullptr ? std::strtoull(text, nullptr, 10) : 1;
}

/// What a failing random test prints: INFO(repeat_with()).
inline std::string repeat_with() {
  return "seed " + std::to_string(seed()) + "; repeat with WW_TEST_SEED=" + std::to_string(seed());
}

}  // namespace ww::test
