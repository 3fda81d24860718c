// Whole runs in the simulated world, and what they say.
#pragma once

#include <catch2/catch.hpp>
#include <cstdint>
#include <string_view>
#include <utility>

#include "controller/worlds/registry.hpp"

namespace ww::test {

/// The plan, carried out. REQUIRES: it can be; the test fails otherwise.
inline run::FinishedRun finished(const run::PlanFile& plan, const run::RunOptions& options = {}) {
  auto done = worlds::find_world("simulated")->execute(plan, options);
  REQUIRE(done);
  return std::move(*done);
}

/// What a checker said; nullptr when it did not run.
inline const CheckResult* row(const run::FinishedRun& done, std::string_view checker) {
  for (const CheckResult& check : done.report.checks) {
    if (check.checker == checker) return &check;
  }
  return nullptr;
}

/// How often the nodes came by a mark.
inline std::uint64_t marks(const run::FinishedRun& done, std::string_view name) {
  for (const reports::Count& mark : done.report.marks) {
    if (mark.name == name) return mark.count;
  }
  return 0;
}

}  // namespace ww::test
