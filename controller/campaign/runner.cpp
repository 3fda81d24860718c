#include "controller/campaign/runner.hpp"

#include <algorithm>
#include <deque>
#include <map>

#include "base/hash.hpp"
#include "base/real_time.hpp"
#include "controller/campaign/jobs.hpp"
#include "controller/campaign/pool.hpp"
#include "controller/run/signature.hpp"

namespace ww::campaign {

namespace {

constexpr Duration kPoll = milliseconds(200);

/// Results that wait for an earlier seed; then no more are handed out.
constexpr std::size_t kMaxAhead = 4096;
/// Storing takes at most this part of the time.
constexpr int kSaveShare = 20;

class Runner {
 public:
  Runner(Campaign& campaign, std::string session, const Hooks& hooks, const RunnerOptions& options,
         const Callbacks& callbacks, Interrupts& interrupts, Pool pool)
      : campaign_(campaign),
        session_(std::move(session)),
        hooks_(hooks),
        options_(options),
        callbacks_(callbacks),
        interrupts_(interrupts),
        pool_(std::move(pool)),
        began_(monotonic_ns()),
        wall_before_(campaign.sessions.at(session_).wall) {}

  Finished run();

 private:
  std::optional<Job> next_first();
  std::optional<Job> next_last();
  void drive(const std::function<std::optional<Job>()>& next);
  void take(const Pool::Done& done);
  void take_reply(const Job& job, const Pool::Done& done);
  void note_first_death(const Job& job, const std::string& death, Outcome& outcome);
  bool submit_next(const std::function<std::optional<Job>()>& next);
  void apply(const Outcome& outcome);
  void apply_in_order();
  void stop(End why, const std::string& reason = {});
  Outcome outcome_of(const Job& job, const Pool::Done& done) const;
  void list_last_jobs();
  [[nodiscard]] Duration elapsed() const { return Duration{monotonic_ns() - began_}; }
  void look_around();
  Result<void> save();

  Campaign& campaign_;
  std::string session_;
  const Hooks& hooks_;
  const RunnerOptions& options_;
  const Callbacks& callbacks_;
  Interrupts& interrupts_;
  Pool pool_;
  std::int64_t began_;
  Duration wall_before_;
  Duration next_save_{};
  std::size_t corpus_next_ = 0;
  std::uint64_t index_ = 0;   // of the shard's seeds
  std::uint64_t ticket_ = 0;  // of the next job
  struct InHand {
    Job job;
    std::string death;  // of the worker that had it first
  };
  std::map<std::uint64_t, InHand> in_hand_;
  std::deque<std::uint64_t> again_;  // tickets in hand whose worker died
  std::map<std::uint64_t, Outcome> arrived_;
  std::uint64_t apply_next_ = 0;  // the ticket whose outcome is added next
  std::deque<Job> last_;
  bool stopping_ = false;
  bool last_phase_ = false;
  bool save_failed_ = false;
  Finished finished_;
  Status status_;
};

std::optional<Job> Runner::next_first() {
  while (corpus_next_ < options_.corpus.size()) {
    const std::string& path = options_.corpus[corpus_next_++];
    const bool ours = (corpus_next_ - 1) % options_.request.shards == options_.shard - 1;
    if (!ours || campaign_.corpus.count(path) > 0) continue;
    Job job;
    job.kind = JobKind::kCorpus;
    job.path = path;
    return job;
  }
  const std::uint64_t all = seeds_of_shard(options_.request, options_.shard);
  for (; options_.request.seeds == 0 || index_ < all; ++index_) {
    Job job;
    job.seed = seed_at(options_.request, options_.shard, index_);
    if (campaign_.seeds.count(job.seed) > 0) continue;
    if (campaign_.seeds.size() + in_hand_.size() + arrived_.size() >= kMaxSeeds) {
      stop(End::kFull);
      return std::nullopt;
    }
    ++index_;
    return job;
  }
  return std::nullopt;
}

std::optional<Job> Runner::next_last() {
  if (last_.empty()) return std::nullopt;
  Job job = std::move(last_.front());
  last_.pop_front();
  return job;
}

void Runner::stop(End why, const std::string& reason) {
  // The first reason stands, but that the user kills outweighs all.
  if (!stopping_ || why == End::kKilled) {
    finished_.end = why;
    finished_.reason = reason;
  }
  stopping_ = true;
}

void Runner::apply(const Outcome& outcome) {
  if (outcome.result.verdict == Class::kEnvironment) {
    return stop(End::kEnvironment, outcome.cause);
  }
  campaign_.add(outcome);
  const bool failed = is_failure(outcome.result.verdict);
  if (outcome.corpus.empty()) {
    ++status_.done;
    ++status_.ran;
    status_.length += outcome.result.length;
    status_.events += outcome.result.events;
  }
  if (failed) {
    ++status_.failures;
    if (options_.fail_fast) stop(End::kFailFast);
  }
}

void Runner::apply_in_order() {
  for (auto at = arrived_.begin(); at != arrived_.end() && at->first == apply_next_;
       at = arrived_.erase(at)) {
    ++apply_next_;
    // What lies behind the end was run for nothing: with fewer workers it would not have been.
    const bool behind = finished_.end == End::kFailFast || finished_.end == End::kEnvironment;
    if (!behind) apply(at->second);
  }
}

Outcome Runner::outcome_of(const Job& job, const Pool::Done& done) const {
  if (done.death.empty()) {
    if (auto outcome = decoded<Outcome>(done.result)) return std::move(*outcome);
  }
  Outcome out;
  out.seed = job.seed;
  out.corpus = job.path;
  out.cause = done.death.empty() ? "the worker's result does not decode" : done.death;
  out.result.verdict = done.death.empty() ? Class::kHarness : Class::kCrash;
  out.result.signature = std::string(name_of(out.result.verdict)) + ": " + run::shape_of(out.cause);
  if (job.kind == JobKind::kSeed) {
    if (const auto plan = hooks_.draw(job.seed)) {
      out.plan = run::to_json(*plan);
      if (hooks_.features) out.result.features = hooks_.features(*plan);
    }
  }
  return out;
}

void Runner::take_reply(const Job& job, const Pool::Done& done) {
  const bool keeps = job.kind == JobKind::kKeep;
  Reply reply;
  if (auto decoded_reply = decoded<Reply>(done.result); done.death.empty() && decoded_reply) {
    reply = std::move(*decoded_reply);
  } else {
    reply.error = done.death.empty() ? "the worker's result does not decode" : done.death;
  }
  if (!reply.error.empty()) {
    finished_.warnings.push_back((keeps ? "the run of '" : "the plan of '") + job.signature +
                                 (keeps ? "' could not be kept: " : "' could not be shrunk: ") +
                                 reply.error);
    return;
  }
  if (keeps) {
    if (reply.divergence.empty()) return;
    const std::uint64_t seed = campaign_.signatures.at(job.signature).example.seed;
    campaign_.divergences.emplace("seed " + std::to_string(seed), reply.divergence);
    return;
  }
  Shrunk shrunk{reply.cost, reply.plan, {}};
  for (std::size_t i = 0; i + 1 < reply.facts.size(); i += 2) {
    shrunk.facts.push_back({reply.facts[i], reply.facts[i + 1]});
  }
  campaign_.add_shrunk(job.signature, std::move(shrunk));
}

void Runner::take(const Pool::Done& done) {
  const auto at = in_hand_.find(done.ticket);
  WW_ASSERT(at != in_hand_.end(), "a result that nobody asked for");
  const bool seed =
      at->second.job.kind == JobKind::kSeed || at->second.job.kind == JobKind::kCorpus;
  if (seed && !done.death.empty() && at->second.death.empty()) {
    // A worker may die of the machine: another one tells.
    at->second.death = done.death;
    again_.push_back(done.ticket);
    return;
  }
  const InHand had = std::move(at->second);
  in_hand_.erase(at);
  if (!seed) return take_reply(had.job, done);
  Outcome outcome = outcome_of(had.job, done);
  if (done.death.empty() && !had.death.empty()) note_first_death(had.job, had.death, outcome);
  arrived_.emplace(done.ticket, std::move(outcome));
  apply_in_order();
}

/// A worker died of the job, the next one did not.
void Runner::note_first_death(const Job& job, const std::string& death, Outcome& outcome) {
  const std::string subject =
      job.kind == JobKind::kCorpus ? job.path : "seed " + std::to_string(job.seed);
  // Whoever kills, or slows the machine until a seed takes too long, is not the seed.
  const bool from_outside =
      death.find("killed by signal 9 ") == 0 || death.find("hung") != std::string::npos;
  if (from_outside) {
    finished_.warnings.push_back(subject + " was run again, for its worker died: " + death);
  } else if (outcome.divergence.empty()) {
    outcome.divergence = "its worker died (" + death + "), and a second one did not";
  }
}

Result<void> Runner::save() {
  campaign_.sessions.at(session_).wall = wall_before_ + elapsed();
  const Duration before = elapsed();
  auto saved = callbacks_.save(campaign_);
  next_save_ = elapsed() + std::max(options_.save_every, kSaveShare * (elapsed() - before));
  return saved;
}

void Runner::look_around() {
  const std::uint32_t interrupts = interrupts_.count();
  if (interrupts == 1) stop(End::kInterrupted);
  if (interrupts > 1) stop(End::kKilled);
  if (!last_phase_ && options_.time && elapsed() >= *options_.time) stop(End::kTime);
  status_.wall = elapsed();
  status_.signatures = status_.fresh = 0;
  for (const auto& [text, signature] : campaign_.signatures) {
    if (!is_failure(signature.example.verdict)) continue;
    ++status_.signatures;
    if (options_.known.count(text) == 0) ++status_.fresh;
  }
  if (callbacks_.on_progress) callbacks_.on_progress(status_);
  if (elapsed() < next_save_) return;
  // What could not be stored now may be the next time, or at the end.
  if (auto saved = save(); !saved && !save_failed_) {
    save_failed_ = true;
    finished_.warnings.push_back("not stored for a time: " + saved.error().message);
  }
}

/// Gives a free worker something to do. Returns whether there was anything.
bool Runner::submit_next(const std::function<std::optional<Job>()>& next) {
  if (!again_.empty()) {
    const std::uint64_t ticket = again_.front();
    again_.pop_front();
    pool_.submit(ticket, encoded(in_hand_.at(ticket).job));
    return true;
  }
  if (stopping_ || arrived_.size() >= kMaxAhead) return false;
  auto job = next();
  if (!job) return false;
  pool_.submit(ticket_, encoded(*job));
  in_hand_.emplace(ticket_++, InHand{std::move(*job), {}});
  return true;
}

void Runner::drive(const std::function<std::optional<Job>()>& next) {
  for (;;) {
    while (pool_.has_free() && submit_next(next)) {
    }
    if (pool_.busy() == 0 || finished_.end == End::kKilled) return;
    auto done = pool_.wait(kPoll, interrupts_.fd());
    if (!done) return stop(End::kEnvironment, done.error().message);
    for (const Pool::Done& one : *done) take(one);
    look_around();
  }
}

void Runner::list_last_jobs() {
  for (const auto& [text, signature] : campaign_.signatures) {
    const Example& example = signature.example;
    if (!is_failure(example.verdict) || example.plan.empty()) continue;
    Job job;
    job.signature = text;
    job.plan = example.plan;
    job.path = options_.directory + "/" + folder_of(text);
    job.kind = JobKind::kKeep;
    job.fingerprint = campaign_.seeds.at(example.seed).fingerprint;
    // Where the worker died, so would the one that keeps the run or shrinks it.
    const bool died = example.verdict == Class::kCrash && example.events == 0;
    if (!died) last_.push_back(job);
    job.kind = JobKind::kShrink;
    const bool ours = died || example.verdict == Class::kHarness;
    if (hooks_.shrink && !signature.shrunk && !ours) last_.push_back(job);
  }
}

Finished Runner::run() {
  next_save_ = options_.save_every;
  status_.all = seeds_of_shard(options_.request, options_.shard);
  status_.done = campaign_.seeds.size();
  status_.failures = totals(campaign_).failures;
  status_.phase = "seeds";
  drive([this] { return next_first(); });
  const End end = finished_.end;
  if ((end == End::kKilled || end == End::kEnvironment) && !options_.fail_fast) {
    for (const auto& [ticket, outcome] : arrived_) apply(outcome);
  }
  if (end != End::kInterrupted && end != End::kKilled && end != End::kEnvironment) {
    // An interrupt from here on leaves the shrinking to a resumption; the seeds are done.
    finished_.end = End::kDone;
    stopping_ = false;
    last_phase_ = true;
    status_.phase = "keeping and shrinking failures";
    list_last_jobs();
    drive([this] { return next_last(); });
    if (finished_.end == End::kDone) finished_.end = end;
  }
  if (auto saved = save(); !saved) stop(End::kEnvironment, saved.error().message);
  return finished_;
}

}  // namespace

std::string folder_of(const std::string& signature) {
  constexpr std::size_t kMaxWords = 28;
  std::string out;
  for (const char c : signature) {
    const bool word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (word && out.size() < kMaxWords) {
      out += c;
    } else if (!out.empty() && out.back() != '-' && out.size() < kMaxWords) {
      out += '-';
    }
  }
  if (!out.empty() && out.back() != '-') out += '-';
  std::string digits;
  for (std::uint64_t hash = hash_bytes(signature), i = 0; i < 8; ++i, hash >>= 4) {
    digits += "0123456789abcdef"[hash & 15];
  }
  return out + digits;
}

Result<Finished> run_campaign(Campaign& campaign, const std::string& session, const Hooks& hooks,
                              const RunnerOptions& options, const Callbacks& callbacks) {
  Interrupts interrupts;  // from before there is anything to break off
  // From here on the directory can be resumed, whatever happens.
  if (auto saved = callbacks.save(campaign); !saved) return saved.error();
  Pool::Options pool_options;
  pool_options.workers = options.workers;
  pool_options.stderr_directory = options.directory;
  pool_options.job_limit = options.job_limit;
  auto pool = Pool::create(
      [&hooks, rates = options.rates](std::string_view job) { return perform(hooks, rates, job); },
      pool_options);
  if (!pool) return pool.error();
  return Runner(campaign, session, hooks, options, callbacks, interrupts, std::move(*pool)).run();
}

}  // namespace ww::campaign
