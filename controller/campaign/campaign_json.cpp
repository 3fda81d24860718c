// campaign.json. A seed is a line of words, because there may be millions of them:
//
//   "17 invalid 51234 12000000000 11 3f2a9c0d11e0b7aa 5f 1 2"
//
// that is the seed, its class, events, virtual nanoseconds, kills, fingerprint, features (both in
// hex), checks and, when it is not valid, the number of its signature in "signatures", from 0.

#include <algorithm>
#include <charconv>
#include <limits>
#include <nlohmann/json.hpp>

#include "controller/campaign/campaign.hpp"

namespace ww::campaign {

namespace {

using Json = nlohmann::ordered_json;
constexpr const char* kSchema = "whitewater.campaign";
constexpr int kVersion = 1;
constexpr std::size_t kMaxFeatures = 64;

std::string hex(std::uint64_t n) {
  std::array<char, 16> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), n, 16).ptr;
  return {buffer.data(), end};
}

std::string words_of(const SeedResult& result) {
  return std::string(name_of(result.verdict)) + " " + std::to_string(result.events) + " " +
         std::to_string(result.length.count()) + " " + std::to_string(result.kills) + " " +
         hex(result.fingerprint) + " " + hex(result.features) + " " + std::to_string(result.checks);
}

Json json_of(const Campaign& campaign, const std::map<std::string, std::uint64_t>& counts) {
  Json out = Json::array();
  for (const auto& [text, signature] : campaign.signatures) {
    const Example& example = signature.example;
    const auto count = counts.find(text);
    Json json = {{"signature", text},
                 {"class", std::string(name_of(example.verdict))},
                 {"count", count == counts.end() ? 0 : count->second},
                 {"fastest_seed", std::to_string(example.seed)},
                 {"events", example.events},
                 {"cause", example.cause},
                 {"plan", example.plan}};
    if (signature.shrunk) {
      Json facts = Json::array();
      for (const reports::Fact& fact : signature.shrunk->facts) {
        facts.push_back({{"name", fact.name}, {"value", fact.value}});
      }
      json["shrunk"] = {
          {"cost", signature.shrunk->cost}, {"plan", signature.shrunk->plan}, {"facts", facts}};
    }
    out.push_back(std::move(json));
  }
  return out;
}

/// For readers of the file; parse_campaign computes it anew.
Json summary_of(const Campaign& campaign) {
  const Totals all = totals(campaign);
  Json json = {{"exit", exit_code(campaign)}, {"seeds", all.seeds}, {"failures", all.failures}};
  for (std::size_t i = 0; i < kClasses; ++i) {
    const auto verdict = static_cast<Class>(i);
    if (verdict != Class::kEnvironment) json[std::string(name_of(verdict))] = all.classes[i];
  }
  json["events"] = all.events;
  json["median_events"] = all.median_events;
  json["kills"] = all.kills;
  json["median_kills"] = all.median_kills;
  json["virtual_ns"] = all.length.count();
  json["replayed"] = all.replayed;
  json["cross_world"] = all.cross_world;
  json["states"] = campaign.coverage.states();
  json["states_exact"] = campaign.coverage.exact();
  json["new_states"] = Json::array();
  for (const NewStates& block : new_states(campaign.coverage, seeds_of(campaign), kMaxBlocks)) {
    json["new_states"].push_back({{"from", std::to_string(block.first_seed)},
                                  {"seeds", block.seeds},
                                  {"states", block.states}});
  }
  json["missing"] = Json::array();
  for (const Missing& m : missing(campaign)) json["missing"].push_back(describe(m));
  return json;
}

/// Reads members of one object; the first mistake is kept and makes all that follows empty.
class Reader {
 public:
  Reader(const Json& json, std::string where, Result<void>& state)
      : json_(json), where_(std::move(where)), state_(state) {
    if (!json.is_object()) fail("must be an object");
  }

  std::string text(const char* key) {
    const Json* found = find(key);
    if (found == nullptr) return {};
    if (found->is_string()) return found->get<std::string>();
    fail(std::string("\"") + key + "\" must be text");
    return {};
  }
  std::uint64_t number(const char* key, std::uint64_t low, std::uint64_t high) {
    const Json* found = find(key);
    if (found == nullptr) return low;
    if (found->is_number_unsigned()) {
      const auto n = found->get<std::uint64_t>();
      if (n >= low && n <= high) return n;
    }
    fail(std::string("\"") + key + "\" must be a number from " + std::to_string(low) + " to " +
         std::to_string(high));
    return low;
  }
  /// A 64-bit number travels as text: most readers of JSON have no such numbers.
  std::uint64_t wide(const char* key) {
    const std::string digits = text(key);
    std::uint64_t n = 0;
    const auto [end, ec] = std::from_chars(digits.data(), digits.data() + digits.size(), n);
    if (ec == std::errc{} && end == digits.data() + digits.size() && !digits.empty()) return n;
    fail(std::string("\"") + key + "\" must be digits in quotes");
    return 0;
  }
  Class verdict(const char* key) {
    const auto found = class_named(text(key));
    if (!found) fail(std::string("\"") + key + "\" is no class of verdicts");
    return found.value_or(Class::kUnknown);
  }
  std::vector<std::string> texts(const char* key) {
    std::vector<std::string> out;
    for (const Json& item : list(key)) {
      if (!item.is_string())
        fail(std::string("\"") + key + "\" must be a list of texts");
      else
        out.push_back(item.get<std::string>());
    }
    return out;
  }
  const Json& list(const char* key) {
    static const Json kNone = Json::array();
    const Json* found = find(key);
    if (found == nullptr) return kNone;
    if (found->is_array()) return *found;
    fail(std::string("\"") + key + "\" must be a list");
    return kNone;
  }
  Reader object(const char* key) {
    static const Json kNone = Json::object();
    const Json* found = find(key);
    return {found == nullptr ? kNone : *found, where_ + ", " + key, state_};
  }
  [[nodiscard]] bool has(const char* key) const { return json_.is_object() && json_.contains(key); }
  Reader item(const Json& json, const char* key) { return {json, where_ + ", " + key, state_}; }
  void fail(const std::string& what) {
    if (state_) state_ = Error{ErrorCode::kCorrupt, true, where_ + ": " + what};
  }

 private:
  const Json* find(const char* key) {
    if (!state_ || !json_.is_object()) return nullptr;
    const auto found = json_.find(key);
    if (found != json_.end()) return &*found;
    fail(std::string("\"") + key + "\" is missing");
    return nullptr;
  }
  const Json& json_;
  std::string where_;
  Result<void>& state_;
};

/// Words between single spaces.
class Words {
 public:
  explicit Words(std::string_view line) : rest_(line) {}
  std::string_view word() {
    const std::size_t end = std::min(rest_.find(' '), rest_.size());
    const std::string_view out = rest_.substr(0, end);
    rest_.remove_prefix(std::min(end + 1, rest_.size()));
    ok_ = ok_ && !out.empty();
    return out;
  }
  std::uint64_t number(int base = 10) {
    const std::string_view text = word();
    std::uint64_t n = 0;
    const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), n, base);
    ok_ = ok_ && ec == std::errc{} && end == text.data() + text.size();
    return n;
  }
  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool more() const { return !rest_.empty(); }

 private:
  std::string_view rest_;
  bool ok_ = true;
};

/// Whether the words were a result. The signature is not among them.
bool read_result(Words& words, SeedResult& out) {
  const auto verdict = class_named(words.word());
  out.verdict = verdict.value_or(Class::kUnknown);
  out.events = words.number();
  const std::uint64_t length = words.number();
  out.length = Duration{static_cast<std::int64_t>(length)};
  out.kills = words.number();
  out.fingerprint = words.number(16);
  out.features = words.number(16);
  const std::uint64_t checks = words.number();
  out.checks = static_cast<std::uint32_t>(checks);
  return words.ok() && verdict.has_value() && *verdict != Class::kEnvironment &&
         checks <= (kReplayed | kCrossWorld) &&
         length <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
}

void read_seeds(Reader& in, const std::vector<std::string>& signatures, Campaign& out) {
  const std::vector<std::string> lines = in.texts("seeds");
  if (lines.size() > kMaxSeeds) in.fail("\"seeds\" has more than " + std::to_string(kMaxSeeds));
  for (const std::string& line : lines) {
    Words words(line);
    const std::uint64_t seed = words.number();
    SeedResult result;
    bool good = read_result(words, result);
    if (words.more()) {
      const std::uint64_t number = words.number();
      good = good && words.ok() && !words.more() && number < signatures.size();
      if (good) result.signature = signatures[static_cast<std::size_t>(number)];
    }
    good = good && (result.verdict == Class::kValid) == result.signature.empty();
    if (!good || !out.seeds.emplace(seed, std::move(result)).second) {
      return in.fail("\"seeds\": '" + line.substr(0, 80) + "' is no seed's result");
    }
  }
}

std::vector<std::string> read_signatures(Reader& in, Campaign& out) {
  std::vector<std::string> order;
  for (const Json& item : in.list("signatures")) {
    Reader reader = in.item(item, "signatures");
    const std::string text = reader.text("signature");
    Signature signature;
    signature.example.verdict = reader.verdict("class");
    signature.example.seed = reader.wide("fastest_seed");
    signature.example.events = reader.number("events", 0, UINT64_MAX);
    signature.example.cause = reader.text("cause");
    signature.example.plan = reader.text("plan");
    if (reader.has("shrunk")) {
      Reader shrunk = reader.object("shrunk");
      signature.shrunk.emplace();
      signature.shrunk->cost = shrunk.number("cost", 0, UINT64_MAX);
      signature.shrunk->plan = shrunk.text("plan");
      for (const Json& fact : shrunk.list("facts")) {
        Reader pair = shrunk.item(fact, "facts");
        signature.shrunk->facts.push_back({pair.text("name"), pair.text("value")});
      }
    }
    order.push_back(text);
    if (text.empty() || !out.signatures.emplace(text, std::move(signature)).second) {
      reader.fail("'" + text + "' stands twice, or is empty");
    }
  }
  return order;
}

void read_identity(Reader& in, const Json& json, const std::string& name, Identity& out,
                   Result<void>& state) {
  out.commit = in.text("commit");
  out.mix = in.text("mix");
  out.pins = in.texts("pins");
  out.features = in.texts("features");
  if (out.features.size() > kMaxFeatures) in.fail("\"features\" has more than 64");
  if (!in.has("test")) in.fail("\"test\" is missing");
  if (!state) return;
  auto test = run::parse_test(json["test"].dump(), name + ", test");
  if (!test) {
    state = test.error();
  } else {
    out.test = std::move(*test);
  }
}

void read_requests(Reader& in, Campaign& out) {
  for (const Json& item : in.list("requests")) {
    Reader reader = in.item(item, "requests");
    Request request;
    request.first = reader.wide("first");
    request.seeds = reader.number("seeds", 0, kMaxSeeds);
    request.shards = static_cast<std::uint32_t>(reader.number("shards", 1, kMaxShards));
    std::set<std::uint32_t>& here = out.requests[request];
    for (const Json& shard : reader.list("here")) {
      const bool good = shard.is_number_unsigned() && shard.get<std::uint64_t>() >= 1 &&
                        shard.get<std::uint64_t>() <= request.shards;
      if (!good) return reader.fail("\"here\" must be numbers of shards");
      here.insert(shard.get<std::uint32_t>());
    }
  }
}

void read_sessions(Reader& in, Campaign& out) {
  for (const Json& item : in.list("sessions")) {
    Reader reader = in.item(item, "sessions");
    Session session;
    const std::string id = reader.text("id");
    session.started = reader.text("started");
    session.compiler = reader.text("compiler");
    session.shard = static_cast<std::uint32_t>(reader.number("shard", 1, kMaxShards));
    session.workers = static_cast<std::uint32_t>(reader.number("workers", 1, UINT32_MAX));
    session.wall = Duration{static_cast<std::int64_t>(reader.number("wall_ns", 0, INT64_MAX))};
    out.sessions[id] = session;
  }
}

void read_rest(Reader& in, Campaign& out) {
  for (const Json& item : in.list("corpus")) {
    Reader reader = in.item(item, "corpus");
    CorpusResult entry;
    const std::string line = reader.text("result");
    Words words(line);
    if (!read_result(words, entry.result) || words.more())
      reader.fail("'" + line + "' is no result");
    entry.result.signature = reader.text("signature");
    entry.cause = reader.text("cause");
    out.corpus[reader.text("plan")] = std::move(entry);
  }
  for (const Json& item : in.list("divergences")) {
    Reader reader = in.item(item, "divergences");
    out.divergences[reader.text("of")] = reader.text("where");
  }
  Reader coverage = in.object("coverage");
  const auto level = static_cast<std::uint32_t>(coverage.number("level", 0, Coverage::kMaxLevel));
  std::map<std::uint64_t, std::uint64_t> sample;
  for (const std::string& line : coverage.texts("states")) {
    Words words(line);
    const std::uint64_t state = words.number(16);
    const std::uint64_t seed = words.number();
    if (!words.ok() || words.more()) return coverage.fail("'" + line + "' is no state and seed");
    sample[state] = seed;
  }
  auto read = Coverage::from(level, std::move(sample));
  if (!read) return coverage.fail(read.error().message);
  out.coverage = std::move(*read);
}

}  // namespace

std::string to_json(const Campaign& campaign) {
  const Identity& identity = campaign.identity;
  Json json = {{"schema", kSchema},
               {"v", kVersion},
               {"commit", identity.commit},
               {"mix", identity.mix},
               {"test", Json::parse(run::to_json(identity.test))},
               {"pins", identity.pins},
               {"features", identity.features},
               {"summary", summary_of(campaign)}};
  json["requests"] = Json::array();
  for (const auto& [request, shards] : campaign.requests) {
    json["requests"].push_back({{"first", std::to_string(request.first)},
                                {"seeds", request.seeds},
                                {"shards", request.shards},
                                {"here", shards}});
  }
  json["sessions"] = Json::array();
  for (const auto& [id, session] : campaign.sessions) {
    json["sessions"].push_back({{"id", id},
                                {"started", session.started},
                                {"compiler", session.compiler},
                                {"shard", session.shard},
                                {"workers", session.workers},
                                {"wall_ns", session.wall.count()}});
  }
  json["signatures"] = json_of(campaign, count_signatures(campaign));
  json["corpus"] = Json::array();
  for (const auto& [path, entry] : campaign.corpus) {
    json["corpus"].push_back({{"plan", path},
                              {"result", words_of(entry.result)},
                              {"signature", entry.result.signature},
                              {"cause", entry.cause}});
  }
  json["divergences"] = Json::array();
  for (const auto& [subject, text] : campaign.divergences) {
    json["divergences"].push_back({{"of", subject}, {"where", text}});
  }
  Json states = Json::array();
  for (const auto& [state, seed] : campaign.coverage.sample()) {
    states.push_back(hex(state) + " " + std::to_string(seed));
  }
  json["coverage"] = {{"level", campaign.coverage.level()}, {"states", std::move(states)}};
  std::map<std::string_view, std::size_t> number_of;
  for (const auto& [text, signature] : campaign.signatures)
    number_of.emplace(text, number_of.size());
  Json seeds = Json::array();
  for (const auto& [seed, result] : campaign.seeds) {
    std::string line = std::to_string(seed) + " " + words_of(result);
    if (!result.signature.empty()) line += " " + std::to_string(number_of.at(result.signature));
    seeds.push_back(std::move(line));
  }
  json["seeds"] = std::move(seeds);
  return json.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

Result<Campaign> parse_campaign(std::string_view text, const std::string& name) {
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded() || !json.is_object()) {
    return Error{ErrorCode::kCorrupt, true, name + ": not a JSON object"};
  }
  Result<void> state;
  Reader in(json, name, state);
  const bool ours = json.contains("schema") && json["schema"] == kSchema && json.contains("v") &&
                    json["v"] == kVersion;
  if (!ours) {
    return Error{ErrorCode::kUsage, true,
                 name +
                     R"(: "schema" must be "whitewater.campaign" and "v" 1; the campaign.json )" +
                     "of a campaign is one"};
  }
  Campaign out;
  read_identity(in, json, name, out.identity, state);
  read_requests(in, out);
  read_sessions(in, out);
  const std::vector<std::string> signatures = read_signatures(in, out);
  read_seeds(in, signatures, out);
  for (const auto& [shape, signature] : out.signatures) {
    const auto seed = out.seeds.find(signature.example.seed);
    if (seed == out.seeds.end() || seed->second.signature != shape) {
      in.fail("\"signatures\": the fastest seed of '" + shape + "' did not end so");
    }
  }
  read_rest(in, out);
  if (!state) return state.error();
  return out;
}

}  // namespace ww::campaign
