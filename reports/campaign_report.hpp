// Everything that is told about a campaign, as plain data, and how it is told: the page, JUnit, and
// text and JSON on stdout. The controller fills it in; nothing here learns anything from elsewhere.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/verdict.hpp"
#include "reports/run_report.hpp"

namespace ww::reports {

/// All seeds that failed in one way.
struct SignatureRow {
  std::string signature;
  std::string verdict;         // "invalid", "no-recovery", "crash", "harness", "unknown"
  bool failure = true;         // false: merely undecided
  bool known = false;          // listed in --known
  std::uint64_t count = 0;     // of seeds
  std::uint64_t seed = 0;      // the fastest
  std::uint64_t events = 0;    // that it took
  std::string cause;           // what its run said
  std::string report;          // its report.html, relative to the page; empty: there is none
  std::string command;         // repeats the fastest seed, from its plan
  std::string seed_command;    // draws and runs it again, from nothing
  std::string shrunk_command;  // runs the shrunk plan; empty: there is none
  std::vector<Fact> shrunk;    // what is left of it
};

struct CorpusRow {
  std::string plan;
  std::string verdict;
  bool failed = false;
  std::string cause;
};

/// A block of consecutive seeds, and how many abstract states it was the first to see.
struct CoverageBlock {
  std::uint64_t first_seed = 0;
  std::uint64_t seeds = 0;
  std::uint64_t states = 0;
};

/// Something that plans may have, how many seeds had it, and how many of these failed.
struct FeatureRow {
  std::string name;
  std::uint64_t seeds = 0;
  std::uint64_t failed = 0;
};

struct CampaignReport {
  std::string headline;  // "valid", "2 kinds of failure", ...
  Verdict verdict = Verdict::kUnknown;
  int exit_code = 2;
  std::string cause;                  // one sentence
  bool incomplete = false;            // seeds or shards were asked for and are not here
  std::vector<std::string> warnings;  // missing shards, what could not be compared, ...
  std::string command;                // runs the campaign again
  std::string world;
  std::string mix;
  std::uint64_t seeds = 0;
  std::uint64_t asked = 0;  // 0: as many as there was time for
  std::uint64_t failures = 0;
  std::uint64_t fresh = 0;  // signatures of failures that are not known
  std::vector<SignatureRow> signatures;
  std::vector<CorpusRow> corpus;
  std::vector<Fact> divergences;        // "seed 17": where its two runs parted
  std::vector<Count> classes;           // seeds by verdict
  std::vector<CoverageBlock> coverage;  // in the order of the seeds
  std::uint64_t states = 0;
  bool states_exact = true;
  std::vector<FeatureRow> features;
  std::vector<Fact> figures;     // the few numbers that stand under the headline
  std::vector<Fact> throughput;  // of all sessions
  std::vector<Fact> setup;       // commit, compiler, options
  std::string started;           // UTC, of the first session
  double seconds = 0;            // of the clock, all sessions together
};

/// index.html: one file that needs nothing beside itself.
std::string campaign_html(const CampaignReport& report);
/// One case per signature, one for the campaign; links are left to the page.
std::string campaign_junit(const CampaignReport& report);
/// The summary for programs.
std::string campaign_json(const CampaignReport& report);

struct CampaignTextOptions {
  bool colour = false;
  bool quiet = false;     // only the last lines
  std::string page_path;  // of index.html
};
std::string campaign_text(const CampaignReport& report, const CampaignTextOptions& options);

}  // namespace ww::reports
