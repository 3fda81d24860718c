// replay RUN --node n2: a live node's journal, executed again.
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "controller/cli/commands.hpp"
#include "controller/cli/exit_codes.hpp"
#include "controller/run/fingerprint.hpp"
#include "controller/run/version.hpp"
#include "nodes/host/effects.hpp"
#include "nodes/host/playback.hpp"
#include "nodes/raft/describe.hpp"
#include "reports/files.hpp"

namespace ww::cli {

namespace {

namespace fs = std::filesystem;
using host::Playback;
using host::StepId;
using Facts = std::vector<raft::Fact>;

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> out;
  std::error_code ec;
  fs::directory_iterator it(directory, ec);
  for (; !ec && it != fs::directory_iterator(); it.increment(ec)) {
    out.push_back(it->path().filename().string());
  }
  std::sort(out.begin(), out.end());
  return out;
}

Result<Playback> open_journal(const ReplayCommand& command, const std::string& directory) {
  std::error_code ec;
  if (!fs::is_directory(directory, ec)) {
    std::string others;
    for (const std::string& node : names_in(command.run + "/nodes")) {
      if (!fs::is_directory(command.run + "/nodes/" + node + "/journal", ec)) continue;
      others += (others.empty() ? "; there are journals of: " : ", ") + node;
    }
    return Error{ErrorCode::kUsage, true, directory + ": there is no journal" + others};
  }
  auto playback = Playback::open(names_in(directory), [directory](const std::string& name) {
    return reports::read_file(directory + "/" + name);
  });
  if (playback) return playback;
  const Error& error = playback.error();
  return Error{error.code, error.definite, directory + ": " + error.message};
}

/// "3.1042", or "1042" of the last incarnation.
Result<StepId> parse_step(const std::string& text, const Playback& playback) {
  StepId id{playback.segments().back().head.incarnation, 0};
  const char* at = text.data();
  const char* const end = at + text.size();
  if (const std::size_t dot = text.find('.'); dot != std::string::npos) {
    const auto [stop, ec] = std::from_chars(at, at + dot, id.incarnation);
    if (ec != std::errc{} || stop != at + dot) at = end;
    if (at != end) at = stop + 1;
  }
  const auto [stop, ec] = std::from_chars(at, end, id.step);
  if (ec == std::errc{} && stop == end) return id;
  return Error{ErrorCode::kUsage, true,
               "--at: '" + text + "' is not a step; write 3.1042, or 1042 of the last incarnation"};
}

std::string text_of(Instant time) {
  const std::int64_t ns = to_ns(time);
  const std::string fraction = std::to_string(1'000'000'000 + ns % 1'000'000'000).substr(1);
  return std::to_string(ns / 1'000'000'000) + "." + fraction + " s";
}

/// The state, a line a field; those that are not in `before` are marked.
void print_facts(std::FILE* out, const char* title, const Facts& facts, const Facts* before) {
  std::size_t width = 0;
  for (const raft::Fact& fact : facts) width = std::max(width, fact.name.size());
  std::fprintf(out, "%s\n", title);
  for (const raft::Fact& fact : facts) {
    const bool news =
        before != nullptr && std::find(before->begin(), before->end(), fact) == before->end();
    std::fprintf(out, "%c %-*s  %s\n", news ? '*' : ' ', static_cast<int>(width), fact.name.c_str(),
                 fact.text.c_str());
  }
}

Facts state_of(const Playback& playback) {
  if (playback.replica() == nullptr) return {};
  return raft::describe(*playback.replica());
}

std::string input_of(const Playback& playback) {
  return playback.input() ? host::input_line(*playback.input()) : R"({"in":"boot"})";
}

std::vector<std::string> effects_of(const Playback& playback) {
  return host::effect_lines(playback.segments().front().head.node, playback.id().incarnation,
                            playback.id().step, playback.moment(), playback.output());
}

/// One walk through a journal.
class Walk {
 public:
  Walk(const ReplayCommand& command, Playback& playback, std::optional<StepId> at, std::FILE* prose)
      : command_(command), playback_(playback), at_(at), prose_(prose) {}

  /// Goes on to the end, to the first difference, or to what was asked for.
  Result<void> run();

  [[nodiscard]] bool differs() const { return differs_.has_value(); }
  [[nodiscard]] const std::optional<StepId>& differs_at() const { return differs_; }
  [[nodiscard]] bool complete() const { return complete_; }
  [[nodiscard]] std::uint64_t steps() const { return steps_; }
  [[nodiscard]] std::uint64_t same() const { return same_; }
  [[nodiscard]] std::uint64_t unverified() const { return unverified_; }
  [[nodiscard]] std::uint64_t shown() const { return shown_; }
  [[nodiscard]] std::uint64_t found() const { return found_; }
  [[nodiscard]] const StepId& last() const { return last_; }

 private:
  /// Plays the loaded step; whether to go on.
  Result<bool> play();
  [[nodiscard]] bool is_wanted() const;
  void tell_fork();
  void tell_step(const Facts& before, bool with_state, const Playback::Played& played);
  void tell_found();
  [[nodiscard]] bool go_on() const;

  const ReplayCommand& command_;
  Playback& playback_;
  std::optional<StepId> at_;
  std::optional<StepId> differs_;
  bool complete_ = false;
  std::uint64_t steps_ = 0;
  std::uint64_t same_ = 0;
  std::uint64_t unverified_ = 0;
  std::uint64_t shown_ = 0;
  std::uint64_t found_ = 0;
  StepId last_;
  bool at_seen_ = false;
  std::FILE* prose_;  // where people read
};

Result<void> Walk::run() {
  while (true) {
    const auto loaded = playback_.load();
    if (!loaded) return loaded.error();
    if (*loaded == Playback::Loaded::kEnd) {
      complete_ = true;
      return {};
    }
    if (*loaded == Playback::Loaded::kFork) {
      tell_fork();
      return {};
    }
    if (at_ && playback_.id() > *at_ && !at_seen_) {
      return Error{ErrorCode::kUsage, true,
                   "there is no step " + name_of(*at_) + "; " + name_of(playback_.id()) +
                       " comes after " + name_of(last_)};
    }
    at_seen_ = at_seen_ || (at_ && playback_.id() == *at_);
    const auto more = play();
    if (!more) return more.error();
    if (!*more) return {};
  }
}

bool Walk::is_wanted() const {
  if (at_) return playback_.id() == *at_ || (command_.step && playback_.id() > *at_);
  return command_.step || (command_.print && command_.find.empty());
}

Result<bool> Walk::play() {
  last_ = playback_.id();
  const bool wanted = is_wanted();
  const bool with_state = command_.print || (at_ && last_ == *at_);
  const Facts before = wanted && with_state ? state_of(playback_) : Facts{};
  if (!playback_.verifiable()) {
    // Said beforehand: a process that died within a step dies in its replay too.
    std::fflush(stdout);
    std::fprintf(stderr, "whitewater: incarnation %u ends with step %s, in it or after it\n",
                 last_.incarnation, name_of(last_).c_str());
  }
  const auto played = playback_.play();
  if (!played) return played.error();
  ++steps_;
  unverified_ += played->recorded ? 0 : 1;
  if (wanted) tell_step(before, with_state, *played);
  if (!command_.find.empty()) tell_found();
  if (played->differs()) {
    differs_ = last_;
    return false;
  }
  ++same_;
  if (!wanted) return true;
  ++shown_;
  if (at_ && last_ == *at_ && !command_.step) return false;
  return go_on();
}

void Walk::tell_fork() {
  const StepId next{playback_.id().incarnation, playback_.id().step + 1};
  differs_ = next;
  const Facts reached = raft::describe(playback_.fork());
  std::fprintf(prose_,
               "the checkpoint before step %s is not the state that the steps before it lead to\n",
               name_of(next).c_str());
  print_facts(prose_, "reached", reached, nullptr);
  const Facts recorded = state_of(playback_);
  print_facts(prose_, "recorded", recorded, &reached);
}

void Walk::tell_step(const Facts& before, bool with_state, const Playback::Played& played) {
  std::fprintf(prose_, "step %s at %s, mono %s, wall %s\n", name_of(last_).c_str(),
               text_of(playback_.moment().true_time).c_str(),
               text_of(playback_.moment().now.mono).c_str(),
               text_of(playback_.moment().now.wall).c_str());
  if (with_state) print_facts(prose_, "before", before, nullptr);
  std::fprintf(prose_, "input\n  %s\neffects\n", input_of(playback_).c_str());
  for (const std::string& line : effects_of(playback_))
    std::fprintf(prose_, "  %s\n", line.c_str());
  if (with_state) print_facts(prose_, "after (* changed)", state_of(playback_), &before);
  if (!played.recorded) {
    std::fprintf(prose_,
                 "not verified: the journal ends here; the process died, or stopped recording\n");
  }
  std::fprintf(prose_, "\n");
}

void Walk::tell_found() {
  const auto tell = [this](const std::string& line) {
    if (line.find(command_.find) == std::string::npos) return;
    ++found_;
    std::fprintf(prose_, "%s  %s  %s\n", name_of(last_).c_str(),
                 text_of(playback_.moment().true_time).c_str(), line.c_str());
  };
  tell(input_of(playback_));
  for (const std::string& line : effects_of(playback_)) tell(line);
}

bool Walk::go_on() const {
  if (!command_.step) return true;
  if (command_.count > 0) return shown_ < command_.count;
  if (::isatty(STDIN_FILENO) == 0) return true;
  std::fputs("Enter: the next step; q: end > ", stderr);
  std::fflush(stdout);
  std::string line;
  return std::getline(std::cin, line) && line != "q";
}

/// What the journal says about who wrote it, and whether that is this build.
struct Build {
  bool same = true;
  std::string text;
};
Build build_of(const Playback& playback) {
  for (const Playback::Segment& segment : playback.segments()) {
    const std::string& build = segment.head.build;
    if (build == run::commit()) continue;
    return {false, (build.empty() ? "the journal does not say which build wrote it"
                                  : "the journal was written by build " + build) +
                       "; this is build " + run::commit() +
                       ", so that a difference may be one between the builds"};
  }
  return {true, std::string(run::commit()) + ", as this one"};
}

std::string count_of(std::uint64_t n, const std::string& one) {
  return std::to_string(n) + " " + one + (n == 1 ? "" : "s");
}

/// Shows the step whose effects are not those recorded, from a second playback.
Result<void> show_difference(const ReplayCommand& command, const std::string& directory,
                             const StepId& id, std::FILE* prose) {
  auto playback = open_journal(command, directory);
  if (!playback) return playback.error();
  if (auto there = playback->seek(id); !there) return there;
  while (true) {
    const auto loaded = playback->load();
    if (!loaded) return loaded.error();
    // A fork was told when it was met.
    if (*loaded != Playback::Loaded::kStep) return {};
    const Facts before = playback->id() == id ? state_of(*playback) : Facts{};
    const auto played = playback->play();
    if (!played) return played.error();
    if (playback->id() != id) continue;
    if (!played->differs()) return {};
    std::fprintf(prose, "step %s at %s does not do again what it did\n", name_of(id).c_str(),
                 text_of(playback->moment().true_time).c_str());
    print_facts(prose, "before", before, nullptr);
    std::fprintf(prose,
                 "input\n  %s\nrecorded\n  effects of hash %s\nproduced\n  effects of hash %s:\n",
                 input_of(*playback).c_str(), run::hex(*played->recorded).c_str(),
                 run::hex(played->produced).c_str());
    for (const std::string& line : effects_of(*playback))
      std::fprintf(prose, "  %s\n", line.c_str());
    print_facts(prose, "after (* changed)", state_of(*playback), &before);
    return {};
  }
}

void print_summary(const std::string& directory, const Playback& playback, const Walk& walk,
                   const Build& build) {
  const StepId first = playback.segments().front().begin();
  std::printf("journal  %s: %s, steps %s to %s\n", directory.c_str(),
              count_of(playback.segments().size(), "segment").c_str(), name_of(first).c_str(),
              name_of(walk.last()).c_str());
  std::printf("first    %s is the first step held%s\n", name_of(first).c_str(),
              first == StepId{1, 0} ? ", the node's first boot" : "; what came before is gone");
  std::printf("build    %s\n", build.text.c_str());
  if (playback.torn() > 0) {
    std::printf("torn     %s within a record: the process died while it was written\n",
                playback.torn() == 1 ? "a segment ends" : "segments end");
  }
  if (walk.unverified() > 0) {
    std::printf(
        "open     %s executed but not verified: there an incarnation's journal ends; its process\n"
        "         died, or stopped recording and said so in stderr.log\n",
        count_of(walk.unverified(), "step").c_str());
  }
  if (walk.differs()) {
    std::printf("replay   step %s differs; %s before it are the same\n",
                name_of(*walk.differs_at()).c_str(), count_of(walk.same(), "step").c_str());
  } else {
    std::printf("replay   %s executed again, every recorded effect is the same\n",
                count_of(walk.steps(), "step").c_str());
  }
}

void print_json(const Playback& playback, const Walk& walk, const Build& build) {
  nlohmann::ordered_json json;
  json["schema"] = "whitewater.journal-replay";
  json["v"] = 1;
  json["node"] = name_of(playback.segments().front().head.node);
  json["segments"] = playback.segments().size();
  json["first"] = name_of(playback.segments().front().begin());
  json["last"] = name_of(walk.last());
  json["steps"] = walk.steps();
  json["unverified"] = walk.unverified();
  json["torn"] = playback.torn();
  json["build"] = playback.segments().back().head.build;
  json["same_build"] = build.same;
  json["same"] = !walk.differs();
  if (walk.differs()) json["differs_at"] = name_of(*walk.differs_at());
  std::printf("%s\n", json.dump(2).c_str());
}

}  // namespace

int do_replay_journal(const Common& common, const ReplayCommand& command) {
  const std::string directory = command.run + "/nodes/" + command.node + "/journal";
  auto playback = open_journal(command, directory);
  if (!playback) return complain(playback.error());
  std::optional<StepId> at;
  if (!command.at.empty()) {
    auto id = parse_step(command.at, *playback);
    if (!id) return complain(id.error());
    if (auto there = playback->seek(*id); !there) return complain(there.error());
    at = *id;
  }
  const Build build = build_of(*playback);
  if (!build.same) std::fprintf(stderr, "whitewater: %s\n", build.text.c_str());
  // A machine reads stdout then.
  std::FILE* const prose = common.format == Format::kJson ? stderr : stdout;
  Walk walk(command, *playback, at, prose);
  const auto walked = walk.run();
  std::fflush(stdout);
  if (!walked)
    return complain(Error{walked.error().code, true, directory + ": " + walked.error().message});
  if (walk.differs()) {
    if (auto shown = show_difference(command, directory, *walk.differs_at(), prose); !shown) {
      return complain(shown.error());
    }
  }
  if (at && walk.complete() && walk.last() < *at) {
    return complain(Error{ErrorCode::kUsage, true,
                          "there is no step " + name_of(*at) + "; the journal ends with step " +
                              name_of(walk.last())});
  }
  if (common.format == Format::kJson) {
    print_json(*playback, walk, build);
  } else if (!command.find.empty()) {
    std::printf("%s\n", count_of(walk.found(), "line").c_str());
  } else if (walk.differs() || (walk.complete() && !at)) {
    print_summary(directory, *playback, walk, build);
  } else if (command.step) {
    std::printf("%s shown\n", count_of(walk.shown(), "step").c_str());
  }
  if (!walk.differs()) return kExitValid;
  // On the same build a step that does something else is a fault of ours.
  return build.same ? kExitHarness : kExitUnknown;
}

}  // namespace ww::cli
