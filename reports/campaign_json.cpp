// The summary of a campaign on stdout, for programs (--format json).

#include <nlohmann/json.hpp>

#include "reports/campaign_report.hpp"

namespace ww::reports {

std::string campaign_json(const CampaignReport& report) {
  using Json = nlohmann::ordered_json;
  const Json valid = report.verdict == Verdict::kValid     ? Json(true)
                     : report.verdict == Verdict::kInvalid ? Json(false)
                                                           : Json("unknown");
  Json json = {{"schema", "whitewater.campaign-results"},
               {"v", 1},
               {"valid", valid},
               {"outcome", report.headline},
               {"exit", report.exit_code},
               {"cause", report.cause},
               {"world", report.world},
               {"mix", report.mix},
               {"seeds", report.seeds},
               {"failures", report.failures},
               {"new", report.fresh},
               {"command", report.command},
               {"warnings", report.warnings},
               {"signatures", Json::array()},
               {"corpus", Json::array()},
               {"divergences", Json::object()}};
  for (const Count& count : report.classes) json["classes"][count.name] = count.count;
  for (const SignatureRow& row : report.signatures) {
    Json shrunk = Json::object();
    for (const Fact& fact : row.shrunk) shrunk[fact.name] = fact.value;
    json["signatures"].push_back({{"signature", row.signature},
                                  {"class", row.verdict},
                                  {"known", row.known},
                                  {"count", row.count},
                                  {"fastest_seed", std::to_string(row.seed)},
                                  {"events", row.events},
                                  {"cause", row.cause},
                                  {"command", row.command},
                                  {"seed_command", row.seed_command},
                                  {"shrunk_command", row.shrunk_command},
                                  {"shrunk", std::move(shrunk)}});
  }
  for (const CorpusRow& row : report.corpus) {
    json["corpus"].push_back({{"plan", row.plan}, {"class", row.verdict}, {"cause", row.cause}});
  }
  for (const Fact& fact : report.divergences) json["divergences"][fact.name] = fact.value;
  json["states"] = report.states;
  json["states_exact"] = report.states_exact;
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace ww::reports
