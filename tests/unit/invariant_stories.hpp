// A corpus of correct but hostile evidence: each story breaks no rule.
#pragma once

#include <string_view>
#include <vector>

#include "tests/unit/invariant_tale.hpp"

namespace ww::test {

struct Story {
  std::string_view name;
  std::uint32_t nodes = 3;
  Tale (*tell)();
};

const std::vector<Story>& stories();
/// REQUIRES: there is one of that name.
const Story& story(std::string_view name);

}  // namespace ww::test
