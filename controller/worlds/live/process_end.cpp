#include "controller/worlds/live/process_end.hpp"

#include <signal.h>

namespace ww::live {

ProcessEnd judge_end(const EndAsked& asked, const Exit& exit) {
  const auto exits_with = [&exit](int status) { return exit.signal == 0 && exit.status == status; };
  // An abort while our signal is under way is still an abort.
  const bool clean = asked.shutdown && exits_with(0);
  const bool killed = exit.signal == SIGKILL && asked.expected != Death::kShutdown;
  ProcessEnd end;
  end.as_asked = asked.dying && (clean || killed);
  end.refused = asked.damaged && exits_with(kNodeExitDamaged);
  end.made_to = end.refused || (asked.disk_failed && exits_with(kNodeExitDisk));
  return end;
}

}  // namespace ww::live
