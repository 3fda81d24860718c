// What one seed of a campaign came to: small enough to keep for every seed and to send over a pipe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/time.hpp"
#include "base/wire/fields.hpp"
#include "reports/run_report.hpp"

namespace ww::campaign {

/// The classes of verdicts that a campaign counts.
enum class Class : std::uint8_t {
  kValid,
  kVacuous,     // every rule held, but too little happened for that to mean much
  kUnknown,     // a checker could not decide
  kNoRecovery,  // safe, but the cluster did not come back
  kCrash,       // a node, or the process that ran the seed, ended by itself
  kInvalid,     // a safety property was violated
  kHarness,     // a bug of the harness
  kEnvironment  // the machine lacks something; such a seed is not counted as done
};
inline constexpr std::size_t kClasses = 8;

/// "valid", "no-recovery", ...
std::string_view name_of(Class verdict);
std::optional<Class> class_named(std::string_view name);

/// The exit status of a run that ended so.
int exit_of(Class verdict);
/// What stops --fail-fast, is shrunk, and makes a campaign fail: not the merely undecided.
bool is_failure(Class verdict);
Class class_of(const reports::RunReport& report);
/// The class of a run that could not be carried out at all.
Class class_of(const Error& error);

/// How a seed was held against itself. Bits of SeedResult::checks.
inline constexpr std::uint32_t kReplayed = 1;    // run again in the same world
inline constexpr std::uint32_t kCrossWorld = 2;  // run in the other deterministic world

struct SeedResult {
  Class verdict = Class::kUnknown;
  std::uint64_t features = 0;     // what its plan had: bits of Identity::features
  std::uint64_t events = 0;       // replica steps, to the violation if there was one
  Duration length{};              // of virtual time
  std::uint64_t kills = 0;        // nodes that died by a fault
  std::uint64_t fingerprint = 0;  // 0: none was taken
  std::uint32_t checks = 0;
  std::string signature;  // of what is not valid
  friend bool operator==(const SeedResult&, const SeedResult&) = default;

  template <class Self, class V>
  static void fields(Self& s, V& v);
};

/// What a worker says about a seed, or about a plan of the corpus.
struct Outcome {
  std::uint64_t seed = 0;
  std::string corpus;  // the plan's path; empty: a seed
  SeedResult result;
  std::string cause;       // one sentence, when not valid
  std::string plan;        // plan.json, when not valid
  std::string divergence;  // where two runs of one plan parted; empty: they did not
  std::vector<std::uint64_t> states;
  friend bool operator==(const Outcome&, const Outcome&) = default;

  template <class Self, class V>
  static void fields(Self& s, V& v);
};

template <class Self, class V>
void SeedResult::fields(Self& s, V& v) {
  v("verdict", s.verdict);
  v("features", s.features);
  v("events", s.events);
  v("length", s.length);
  v("kills", s.kills);
  v("fingerprint", s.fingerprint);
  v("checks", s.checks);
  v("signature", s.signature);
}

template <class Self, class V>
void Outcome::fields(Self& s, V& v) {
  v("seed", s.seed);
  v("corpus", s.corpus);
  v("result", s.result);
  v("cause", s.cause);
  v("plan", s.plan);
  v("divergence", s.divergence);
  v("states", s.states);
}

}  // namespace ww::campaign

template <>
struct ww::wire::EnumSize<ww::campaign::Class> {
  static constexpr std::uint64_t value = ww::campaign::kClasses;
};
