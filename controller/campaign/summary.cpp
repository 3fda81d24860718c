#include "controller/campaign/summary.hpp"

#include <algorithm>
#include <tuple>

#include "controller/cli/exit_codes.hpp"
#include "reports/format.hpp"

namespace ww::campaign {

namespace {

using reports::CampaignReport;
using reports::group_digits;

std::string counted(std::uint64_t n, const std::string& one, const std::string& many) {
  return group_digits(n) + " " + (n == 1 ? one : many);
}

double seconds_of(Duration d) {
  return static_cast<double>(d.count()) / 1e9;
}

std::string rate(double n, double seconds) {
  if (seconds <= 0) return "-";
  const double r = n / seconds;
  return r >= 100 ? group_digits(static_cast<std::uint64_t>(r + 0.5)) : reports::number_text(r);
}

std::string of_real_time(Duration length, Duration wall) {
  return rate(seconds_of(length), seconds_of(wall)) + "\xc3\x97 real time";
}

Verdict verdict_of(int exit) {
  if (exit == cli::kExitValid) return Verdict::kValid;
  const bool failed =
      exit == cli::kExitInvalid || exit == cli::kExitNodeCrashed || exit == cli::kExitNoRecovery;
  return failed ? Verdict::kInvalid : Verdict::kUnknown;
}

/// New failures first, then known ones, then what was not decided; the most frequent first.
void sort_rows(std::vector<reports::SignatureRow>& rows) {
  std::stable_sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) {
    return std::tuple(!a.failure, a.known, b.count) < std::tuple(!b.failure, b.known, a.count);
  });
}

std::vector<reports::SignatureRow> signature_rows(const Campaign& campaign,
                                                  const SummaryContext& context) {
  std::vector<reports::SignatureRow> rows;
  const auto counts = count_signatures(campaign);
  for (const auto& [text, signature] : campaign.signatures) {
    const Example& example = signature.example;
    const auto count = counts.find(text);
    reports::SignatureRow row;
    row.signature = text;
    row.verdict = name_of(example.verdict);
    row.failure = is_failure(example.verdict);
    row.known = row.failure && context.known.count(text) > 0;
    row.count = count == counts.end() ? 0 : count->second;
    row.seed = example.seed;
    row.events = example.events;
    row.cause = example.cause;
    const std::string folder = folder_of(text);
    if (context.has_file && context.has_file(folder + "/report.html")) {
      row.report = folder + "/report.html";
    }
    const std::string run = "./whitewater run --plan " + context.directory + "/" + folder;
    if (!example.plan.empty()) row.command = run + "/plan.json";
    row.seed_command = campaign_command(campaign.identity, {example.seed, 1, 1});
    if (signature.shrunk) {
      row.shrunk_command = run + "/shrunk.json";
      row.shrunk = signature.shrunk->facts;
    }
    rows.push_back(std::move(row));
  }
  sort_rows(rows);
  return rows;
}

/// What kept a campaign without failures from being valid.
std::string undecided(const Campaign& campaign, const Totals& all) {
  const std::uint64_t unknown = all.classes[static_cast<std::size_t>(Class::kUnknown)];
  if (unknown > 0) {
    return counted(unknown, "seed", "seeds") + " of " + group_digits(all.seeds) +
           " could not be decided.";
  }
  for (const auto& [path, entry] : campaign.corpus) {
    if (entry.result.verdict == Class::kUnknown) {
      return "A plan of the corpus could not be decided: " + path + ": " + entry.cause;
    }
  }
  const std::uint64_t vacuous = all.classes[static_cast<std::size_t>(Class::kVacuous)];
  return group_digits(vacuous) + " of " + counted(all.seeds, "seed", "seeds") + " vacuous.";
}

/// The headline, its verdict and the sentence below it.
void conclude(CampaignReport& report, const Campaign& campaign, const Totals& all) {
  report.exit_code = exit_code(campaign);
  report.verdict = verdict_of(report.exit_code);
  const auto kinds = static_cast<std::uint64_t>(
      std::count_if(report.signatures.begin(), report.signatures.end(),
                    [](const reports::SignatureRow& row) { return row.failure; }));
  const auto broken = static_cast<std::uint64_t>(
      std::count_if(report.corpus.begin(), report.corpus.end(),
                    [](const reports::CorpusRow& row) { return row.failed; }));
  const std::string seeds = counted(all.seeds, "seed", "seeds");
  if (kinds > 0) {
    report.headline = counted(kinds, "kind of failure", "kinds of failure");
    report.cause = group_digits(all.failures) + " of " + seeds +
                   " failed; the most frequent: " + report.signatures.front().signature + " (" +
                   group_digits(report.signatures.front().count) + ").";
  } else if (broken > 0) {
    report.headline = "a past failure is back";
    report.cause = counted(broken, "plan", "plans") + " of the corpus failed; no seed of " +
                   group_digits(all.seeds) + " did.";
  } else if (!campaign.divergences.empty()) {
    report.headline = "not reproducible";
    report.cause = counted(campaign.divergences.size(), "plan", "plans") +
                   " gave other events when run again: a bug of the harness.";
  } else if (report.exit_code != cli::kExitValid) {
    const bool incomplete = !missing(campaign).empty() || all.seeds == 0;
    report.headline = incomplete ? "incomplete" : "unknown";
    report.cause = incomplete ? seeds + " ran, no failure so far; others were not run."
                              : undecided(campaign, all);
  } else {
    report.headline = "valid";
    report.cause = seeds + " ran, no failure.";
  }
}

void add_coverage(CampaignReport& report, const Campaign& campaign) {
  for (const NewStates& block : new_states(campaign.coverage, seeds_of(campaign), kMaxBlocks)) {
    report.coverage.push_back({block.first_seed, block.seeds, block.states});
  }
  report.states = campaign.coverage.states();
  report.states_exact = campaign.coverage.exact();
}

void add_features(CampaignReport& report, const Campaign& campaign) {
  const auto& names = campaign.identity.features;
  for (const std::string& name : names) report.features.push_back({name, 0, 0});
  for (const auto& [seed, result] : campaign.seeds) {
    for (std::size_t bit = 0; bit < names.size(); ++bit) {
      if ((result.features >> bit & 1) == 0) continue;
      ++report.features[bit].seeds;
      report.features[bit].failed += is_failure(result.verdict) ? 1 : 0;
    }
  }
}

void add_numbers(CampaignReport& report, const Totals& all) {
  for (std::size_t i = 0; i < kClasses; ++i) {
    const auto verdict = static_cast<Class>(i);
    if (verdict == Class::kEnvironment) continue;
    report.classes.push_back({std::string(name_of(verdict)), all.classes[i]});
  }
  const double wall = seconds_of(all.wall);
  const std::string length = reports::duration_text(all.length.count());
  report.figures = {{"failed", group_digits(all.failures)},
                    {"new kinds of failure", group_digits(report.fresh)},
                    {"virtual time", length},
                    {"speed", of_real_time(all.length, all.wall)},
                    {"events", group_digits(all.events)},
                    {"kills", group_digits(all.kills)}};
  report.throughput = {{"virtual time", length},
                       {"time of the clock", reports::duration_text(all.wall.count())},
                       {"speed", of_real_time(all.length, all.wall)},
                       {"seeds per second", rate(static_cast<double>(all.seeds), wall)},
                       {"events per second", rate(static_cast<double>(all.events), wall)},
                       {"median of events a seed", group_digits(all.median_events)},
                       {"median of kills a seed", group_digits(all.median_kills)},
                       {"seeds run twice", group_digits(all.replayed)},
                       {"seeds run in the other world too", group_digits(all.cross_world)}};
}

void add_setup(CampaignReport& report, const Campaign& campaign) {
  const Identity& identity = campaign.identity;
  std::set<std::string> compilers;
  for (const auto& [id, session] : campaign.sessions) {
    compilers.insert(session.compiler);
    const bool earlier = report.started.empty() || session.started < report.started;
    if (earlier) report.started = session.started;
  }
  report.setup.push_back({"commit", identity.commit});
  for (const std::string& compiler : compilers) report.setup.push_back({"compiler", compiler});
  report.setup.push_back({"mix", identity.mix});
  const std::string pinned = run::flags_of(identity.test, identity.pins);
  report.setup.push_back({"pinned flags", pinned.empty() ? "none" : pinned});
  for (const auto& [request, shards] : campaign.requests) {
    std::string here = request.seeds == 0 ? "from " + group_digits(request.first)
                                          : group_digits(request.first) + " to " +
                                                group_digits(request.first + request.seeds - 1);
    if (request.shards > 1) {
      here +=
          ", " + group_digits(shards.size()) + " of " + group_digits(request.shards) + " shards";
    }
    report.setup.push_back({"seeds", here});
  }
  report.setup.push_back({"sessions", group_digits(campaign.sessions.size())});
  report.setup.push_back({"exit code", std::to_string(report.exit_code)});
}

}  // namespace

CampaignReport summarise(const Campaign& campaign, const SummaryContext& context) {
  const Totals all = totals(campaign);
  CampaignReport report;
  report.world = campaign.identity.test.world;
  report.mix = campaign.identity.mix;
  report.seeds = all.seeds;
  report.failures = all.failures;
  report.seconds = seconds_of(all.wall);
  bool unbounded = false;
  for (const auto& [request, shards] : campaign.requests) {
    report.asked += request.seeds;
    unbounded = unbounded || request.seeds == 0;
    Request repeat = request;
    if (request.seeds == 0 && !campaign.seeds.empty()) {
      repeat.seeds = campaign.seeds.rbegin()->first + 1 - request.first;
    }
    const std::string command = campaign_command(campaign.identity, repeat);
    report.command += (report.command.empty() ? "" : " && ") + command;
  }
  if (unbounded) report.asked = 0;
  report.signatures = signature_rows(campaign, context);
  report.fresh = static_cast<std::uint64_t>(
      std::count_if(report.signatures.begin(), report.signatures.end(),
                    [](const reports::SignatureRow& r) { return r.failure && !r.known; }));
  for (const auto& [path, entry] : campaign.corpus) {
    report.corpus.push_back({path, std::string(name_of(entry.result.verdict)),
                             is_failure(entry.result.verdict), entry.cause});
  }
  for (const auto& [subject, where] : campaign.divergences) {
    report.divergences.push_back({subject, where});
  }
  conclude(report, campaign, all);
  for (const Missing& lacks : missing(campaign)) report.warnings.push_back(describe(lacks));
  report.incomplete = !report.warnings.empty();
  report.warnings.insert(report.warnings.end(), context.warnings.begin(), context.warnings.end());
  add_coverage(report, campaign);
  add_features(report, campaign);
  add_numbers(report, all);
  add_setup(report, campaign);
  return report;
}

std::string campaign_command(const Identity& identity, const Request& request) {
  std::string out = "./whitewater campaign";
  if (identity.test.world != "simulated") out += " --world " + identity.test.world;
  out += " --first-seed " + std::to_string(request.first);
  if (request.seeds != 0) out += " --seeds " + std::to_string(request.seeds);
  const std::string pinned = run::flags_of(identity.test, identity.pins);
  return pinned.empty() ? out : out + " " + pinned;
}

std::set<std::string> parse_known(std::string_view text) {
  std::set<std::string> out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const std::size_t first = line.find_first_not_of(" \t\r");
    if (first == std::string_view::npos || line[first] == '#') continue;
    line.remove_prefix(first);
    out.emplace(line.substr(0, line.find_last_not_of(" \t\r") + 1));
  }
  return out;
}

std::string progress_line(const Status& status) {
  const double wall = seconds_of(status.wall);
  std::string out = group_digits(status.done);
  if (status.all > 0) out += "/" + group_digits(status.all);
  out += " seeds  " + rate(static_cast<double>(status.ran), wall) + " seeds/s  " +
         of_real_time(status.length, status.wall) + "  " + group_digits(status.failures) +
         " failed";
  if (status.signatures > 0) {
    out += " in " + counted(status.signatures, "way", "ways") + " (" + group_digits(status.fresh) +
           " new)";
  }
  out += "  " + reports::duration_text(status.wall.count());
  if (status.phase != "seeds") return out + "  " + status.phase;
  if (status.all > status.done && status.ran > 0) {
    const double left =
        wall / static_cast<double>(status.ran) * static_cast<double>(status.all - status.done);
    out += ", " + reports::duration_text(static_cast<std::int64_t>(left) * 1'000'000'000) + " left";
  }
  return out;
}

}  // namespace ww::campaign
