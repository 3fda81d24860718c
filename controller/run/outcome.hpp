// From what a run left behind to its verdict, its exit status and its report.
#pragma once

#include <string>
#include <vector>

#include "controller/run/director.hpp"
#include "controller/run/test_spec.hpp"
#include "reports/run_report.hpp"

namespace ww::run {

/// What the world adds to what the director saw.
struct WorldFacts {
  std::vector<reports::MachineStall> stalls;  // of the machine, from the sentinel
  std::vector<reports::Fact> facts;           // "worst scheduling stall", ...
  std::vector<std::string> sanitizer;         // first lines of sanitizer reports of nodes
};

/// Runs every checker over a finished run, composes the verdict and fills in the report.
/// `started`: UTC text. The report's history points into the director's. Without `judge_history`
/// the checkers of the clients' history are left out.
reports::RunReport judge(const TestSpec& spec, Director& director, const faults::LinkTable& links,
                         const WorldFacts& world, const std::string& started,
                         bool judge_history = true);

/// Renders the options of a run, in the order of the help.
std::vector<reports::Fact> option_facts(const TestSpec& spec);

}  // namespace ww::run
