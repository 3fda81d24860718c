// A node's process may end as it was asked to, for what was done to its disk, or by a mistake.
#include "controller/worlds/live/process_end.hpp"

#include <signal.h>

#include <catch2/catch.hpp>

namespace ww::live {
namespace {

struct Row {
  const char* what;
  EndAsked asked;
  Exit exit;
  ProcessEnd end;
};

TEST_CASE("the end of a process is judged by what was asked of it and done to its disk") {
  const EndAsked killed{.dying = true, .expected = Death::kKilled};
  const EndAsked shut{.dying = true, .expected = Death::kShutdown, .shutdown = true};
  EndAsked damaged;
  damaged.damaged = true;
  EndAsked damaged_and_killed = killed;
  damaged_and_killed.damaged = true;
  EndAsked failed = killed;
  failed.disk_failed = true;
  const Row rows[] = {
      {"a kill", killed, {0, SIGKILL}, {.as_asked = true}},
      {"an abort before the kill", killed, {0, SIGABRT}, {}},
      {"a kill that nobody asked for", {}, {0, SIGKILL}, {}},
      {"a shutdown", shut, {0, 0}, {.as_asked = true}},
      {"a shutdown that fails", shut, {1, 0}, {}},
      {"a kill instead of a shutdown", shut, {0, SIGKILL}, {}},
      {"damage found", damaged, {kNodeExitDamaged, 0}, {.refused = true, .made_to = true}},
      {"damage found while a kill is under way",
       damaged_and_killed,
       {kNodeExitDamaged, 0},
       {.refused = true, .made_to = true}},
      {"damage found where none is", killed, {kNodeExitDamaged, 0}, {}},
      {"a failed disk before the kill", failed, {kNodeExitDisk, 0}, {.made_to = true}},
      {"a failed disk that nobody made fail", {}, {kNodeExitDisk, 0}, {}},
  };
  for (const Row& row : rows) {
    INFO(row.what);
    const ProcessEnd end = judge_end(row.asked, row.exit);
    CHECK(end.as_asked == row.end.as_asked);
    CHECK(end.refused == row.end.refused);
    CHECK(end.made_to == row.end.made_to);
  }
}

}  // namespace
}  // namespace ww::live
