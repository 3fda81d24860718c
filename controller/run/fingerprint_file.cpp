#include "controller/run/fingerprint_file.hpp"

#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

#include "controller/run/test_spec.hpp"
#include "controller/run/version.hpp"

namespace ww::run {

namespace {

using Json = nlohmann::ordered_json;
constexpr const char* kSchema = "whitewater.fingerprint";
constexpr int kVersion = 1;

std::optional<std::uint64_t> number_of_hex(const Json& json) {
  if (!json.is_string()) return std::nullopt;
  const std::string text = json.get<std::string>();
  std::uint64_t number = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), number, 16);
  if (ec != std::errc{} || hex(number) != text) return std::nullopt;
  return number;
}

/// Reads members of one object; remembers the first that is wrong.
struct Reader {
  const Json& json;
  std::string name;
  Result<void> state;

  const Json* find(const char* key, const char* wanted, bool (*fits)(const Json&)) {
    const auto found = json.find(key);
    if (found != json.end() && fits(*found)) return &*found;
    if (state) {
      state = Error{ErrorCode::kUsage, true, name + ": \"" + key + "\" must be " + wanted};
    }
    return nullptr;
  }
  void text(const char* key, std::string& out) {
    const Json* found = find(key, "text", [](const Json& x) { return x.is_string(); });
    if (found != nullptr) out = found->get<std::string>();
  }
  void number(const char* key, std::uint64_t& out) {
    const Json* found =
        find(key, "a whole number", [](const Json& x) { return x.is_number_unsigned(); });
    if (found != nullptr) out = found->get<std::uint64_t>();
  }
};

bool is_hash(const Json& json) {
  return number_of_hex(json).has_value();
}

bool is_list_of_hashes(const Json& json) {
  return json.is_array() && std::all_of(json.begin(), json.end(), is_hash);
}

}  // namespace

StoredFingerprint stored_fingerprint(const FinishedRun& run) {
  StoredFingerprint out;
  out.print = run.fingerprint;
  out.print.window.clear();
  out.world = run.executed.test.world;
  out.stop_at_violation = run.stop_at_violation;
  out.version = version();
  out.commit = commit();
  out.compiler = compiler();
  return out;
}

std::string to_json(const StoredFingerprint& stored) {
  Json json;
  json["schema"] = kSchema;
  json["v"] = kVersion;
  json["world"] = stored.world;
  json["hash"] = hex(stored.print.hash);
  json["events"] = stored.print.events;
  json["stop_at_violation"] = stored.stop_at_violation;
  json["version"] = stored.version;
  json["commit"] = stored.commit;
  json["compiler"] = stored.compiler;
  json["checkpoint_every"] = Fingerprint::kCheckpointEvery;
  Json checkpoints = Json::array();
  for (const std::uint64_t checkpoint : stored.print.checkpoints) {
    checkpoints.push_back(hex(checkpoint));
  }
  json["checkpoints"] = std::move(checkpoints);
  return json.dump(1) + "\n";
}

Result<StoredFingerprint> parse_fingerprint(std::string_view text, const std::string& name) {
  const Json json = Json::parse(text, nullptr, false);
  if (json.is_discarded() || !json.is_object()) {
    return Error{ErrorCode::kCorrupt, true, name + ": not a JSON object"};
  }
  if (!has_schema(text, kSchema, kVersion)) {
    return Error{ErrorCode::kUsage, true,
                 name + R"(: "schema" must be "whitewater.fingerprint" and "v" 1)"};
  }
  StoredFingerprint out;
  Reader reader{json, name, {}};
  reader.text("world", out.world);
  reader.text("version", out.version);
  reader.text("commit", out.commit);
  reader.text("compiler", out.compiler);
  reader.number("events", out.print.events);
  constexpr const char* kHash = "a hash of 16 hexadecimal digits";
  if (const Json* hash = reader.find("hash", kHash, is_hash)) {
    out.print.hash = *number_of_hex(*hash);
  }
  const auto is_bool = [](const Json& x) { return x.is_boolean(); };
  if (const Json* stop = reader.find("stop_at_violation", "true or false", is_bool)) {
    out.stop_at_violation = stop->get<bool>();
  }
  std::uint64_t every = 0;
  reader.number("checkpoint_every", every);
  if (reader.state && every != Fingerprint::kCheckpointEvery) {
    return Error{
        ErrorCode::kUsage, true,
        name + ": \"checkpoint_every\" must be " + std::to_string(Fingerprint::kCheckpointEvery)};
  }
  if (const Json* list = reader.find("checkpoints", "a list of hashes", is_list_of_hashes)) {
    for (const Json& item : *list) out.print.checkpoints.push_back(*number_of_hex(item));
  }
  if (!reader.state) return reader.state.error();
  return out;
}

}  // namespace ww::run
