// What the campaign asks of a worker, and what it hears back: the frames of the pool.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/wire/fields.hpp"
#include "controller/campaign/seed_runner.hpp"

namespace ww::campaign {

enum class JobKind : std::uint8_t {
  kCorpus,  // -> Outcome
  kSeed,    // -> Outcome
  kKeep,    // a run directory of a failure -> Reply
  kShrink   // -> Reply
};

struct Job {
  JobKind kind = JobKind::kSeed;
  std::uint64_t seed = 0;         // kSeed
  std::string path;               // kCorpus: the plan; kKeep: the run directory
  std::string plan;               // kKeep, kShrink: plan.json
  std::uint64_t fingerprint = 0;  // kKeep: what the run must have; 0: any
  std::string signature;          // kKeep, kShrink

  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("kind", s.kind);
    v("seed", s.seed);
    v("path", s.path);
    v("plan", s.plan);
    v("fingerprint", s.fingerprint);
    v("signature", s.signature);
  }
};

struct Reply {
  std::string error;       // why there is nothing
  std::string divergence;  // kKeep: how the run differed
  // kShrink.
  std::uint64_t cost = 0;
  std::string plan;
  std::vector<std::string> facts;  // name, value, name, value, ...

  template <class Self, class V>
  static void fields(Self& s, V& v) {
    v("error", s.error);
    v("divergence", s.divergence);
    v("cost", s.cost);
    v("plan", s.plan);
    v("facts", s.facts);
  }
};

template <wire::Record T>
std::string encoded(const T& record) {
  std::string out;
  wire::encode_record(out, record);
  return out;
}

/// Nothing when the bytes are not one.
template <wire::Record T>
std::optional<T> decoded(std::string_view bytes) {
  ByteReader reader(bytes);
  T out;
  wire::decode_record(reader, out);
  if (!reader.done()) return std::nullopt;
  return out;
}

/// Does the job, in the worker: an encoded Job in, an encoded Outcome or Reply out.
std::string perform(const Hooks& hooks, const CheckRates& rates, std::string_view job);

}  // namespace ww::campaign

template <>
struct ww::wire::EnumSize<ww::campaign::JobKind> {
  static constexpr std::uint64_t value = 4;
};
