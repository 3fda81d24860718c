// plan.json: the test and its fault schedule together, runnable again.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "controller/run/test_spec.hpp"
#include "faults/plan.hpp"

namespace ww::run {

struct PlanFile {
  TestSpec test;
  faults::Plan faults;
};

/// The plan that `spec` asks for: its kinds, dealt from its seed.
/// Errors: those of faults::parse_kinds and faults::make_plan.
Result<faults::Plan> plan_for(const TestSpec& spec);

std::string to_json(const PlanFile& plan);
/// Errors: kUsage or kCorrupt naming the key; a schedule for another number of nodes.
Result<PlanFile> parse_plan_file(std::string_view text, const std::string& name);

/// The schedule for people, a fault a line.
std::string describe(const PlanFile& plan);

}  // namespace ww::run
