#include "tests/unit/campaign_report_samples.hpp"

#include <cmath>

namespace ww::reports::samples {

namespace {

SignatureRow row_of(const std::string& signature, const std::string& verdict, std::uint64_t count,
                    std::uint64_t seed, const std::string& folder) {
  SignatureRow row;
  row.signature = signature;
  row.verdict = verdict;
  row.failure = verdict != "unknown";
  row.count = count;
  row.seed = seed;
  row.events = 5134;
  row.seed_command = "./whitewater campaign --first-seed " + std::to_string(seed) +
                     " --seeds 1 --bug vote-ram-only";
  if (folder.empty()) return row;
  const std::string run = "./whitewater run --plan store/campaign/x/" + folder;
  row.command = run + "/plan.json";
  row.report = folder + "/report.html";
  row.shrunk_command = run + "/shrunk.json";
  row.shrunk = {{"shrunk to", "2 faults, 3 ops, 3 nodes"}};
  return row;
}

}  // namespace

CampaignReport campaign() {
  CampaignReport report;
  report.headline = "3 kinds of failure";
  report.verdict = Verdict::kInvalid;
  report.exit_code = 1;
  report.cause = "61 of 10 000 seeds failed.";
  report.warnings = {"shard 3/3 of seeds 1 to 10000 is missing"};
  report.command = "./whitewater campaign --first-seed 1 --seeds 10000 --bug vote-ram-only";
  report.world = "simulated";
  report.mix = "5eed0123";
  report.seeds = report.asked = 10'000;
  report.failures = 61;
  report.fresh = 2;
  report.signatures = {row_of("ES: # and # both led term #", "invalid", 41, 4711, "ES-1"),
                       row_of("Vote1: # granted two votes in term #", "invalid", 17, 88, "Vote1-2"),
                       row_of("crash: killed by signal # (Aborted)", "crash", 3, 17, ""),
                       row_of("unknown: out of budget", "unknown", 1, 5000, "")};
  report.signatures[0].cause = "n2 and n5 both led term 3";
  report.signatures[1].known = true;
  report.signatures[1].cause = "n4 granted n1 and n3 its vote in term 7";
  report.signatures[2].cause = "killed by signal 6 (Aborted): log.cpp:88: assertion failed: a: b";
  report.signatures[3].cause = "the checker ran out of its budget";
  report.corpus = {{"tests/corpus/lost-vote.json", "valid", false, ""}};
  for (std::uint64_t i = 0; i < 50; ++i) {
    const double fresh = 60'000 / std::pow(static_cast<double>(i) + 1, 1.6) + 30;
    report.coverage.push_back({1 + 200 * i, 200, static_cast<std::uint64_t>(fresh)});
    report.states += report.coverage.back().states;
  }
  report.features = {{"3 nodes", 3301, 40},
                     {"5 nodes", 3340, 18},
                     {"7 nodes", 3359, 3},
                     {"kill", 6120, 61},
                     {"disk", 0, 0}};
  report.classes = {
      {"valid", 9'700}, {"vacuous", 238}, {"invalid", 58}, {"crash", 3}, {"unknown", 1}};
  report.figures = {{"failed", "61"}, {"new kinds of failure", "2"}, {"speed", "412x real time"}};
  report.throughput = {{"time of the clock", "252 s"}, {"seeds per second", "39.6"}};
  report.setup = {{"commit", "0123456789ab"}, {"compiler", "GNU 12.2.0"}};
  report.started = "2026-11-26T00:00:00Z";
  report.seconds = 252.5;
  return report;
}

}  // namespace ww::reports::samples
