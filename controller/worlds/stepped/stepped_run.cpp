#include "controller/worlds/stepped/stepped_run.hpp"

#include <sched.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <string>
#include <utility>

#include "controller/run/temporary_folder.hpp"
#include "controller/worlds/discrete/discrete_run.hpp"
#include "controller/worlds/stepped/stepped_node.hpp"

namespace ww::stepped {

namespace {

/// A round trip between two processes of one core costs a fraction of one between two cores, which
/// wake each other up; and under SCHED_BATCH the one that wakes the other goes on until it waits
/// itself, so that there are two switches a round trip and no more. Processes inherit both. Without
/// either a run is slower and the same.
class OneCore {
 public:
  OneCore() {
    cpu_set_t here;
    CPU_ZERO(&here);
    const int core = ::sched_getcpu();
    if (core >= 0 && ::sched_getaffinity(0, sizeof(cores_), &cores_) == 0 &&
        CPU_COUNT(&cores_) > 1) {
      CPU_SET(static_cast<std::size_t>(core), &here);
      bound_ = ::sched_setaffinity(0, sizeof(here), &here) == 0;
    }
    const sched_param none{};
    batch_ =
        ::sched_getscheduler(0) == SCHED_OTHER && ::sched_setscheduler(0, SCHED_BATCH, &none) == 0;
  }
  ~OneCore() {
    const sched_param none{};
    if (batch_) ::sched_setscheduler(0, SCHED_OTHER, &none);
    if (bound_) ::sched_setaffinity(0, sizeof(cores_), &cores_);
  }
  OneCore(const OneCore&) = delete;
  OneCore& operator=(const OneCore&) = delete;

 private:
  cpu_set_t cores_{};
  bool bound_ = false;
  bool batch_ = false;
};

/// Where nodes that are not kept live: in TMPDIR, or in memory when that is not set and there is
/// room. What killed controllers left in these places is removed first.
std::string temporary_base() {
  constexpr std::uint64_t kRoom = std::uint64_t{256} << 20;
  if (const char* chosen = std::getenv("TMPDIR"); chosen != nullptr && *chosen != '\0') {
    run::sweep_temporary_folders(chosen);
    return chosen;
  }
  const char* const in_memory = "/dev/shm";
  const char* const on_disk = "/tmp";
  run::sweep_temporary_folders(in_memory);
  run::sweep_temporary_folders(on_disk);
  struct statvfs memory {};
  const bool fits = ::statvfs(in_memory, &memory) == 0 &&
                    memory.f_bavail * memory.f_frsize >= kRoom &&
                    ::access(in_memory, W_OK | X_OK) == 0;
  return fits ? in_memory : on_disk;
}

}  // namespace

Result<run::FinishedRun> execute(const run::PlanFile& plan, const run::RunOptions& options) {
  std::string nodes = options.run_directory + "/nodes";
  std::optional<run::TemporaryFolder> temporary;
  if (options.run_directory.empty()) {
    auto made = run::TemporaryFolder::make(temporary_base());
    if (!made) return made.error();
    nodes = temporary.emplace(std::move(*made)).path();
  }
  const OneCore together;
  return discrete::execute(
      plan, options,
      [&](const run::TestSpec& spec, NodeId node) {
        return make_node(spec, node, options.node_executable, nodes + "/" + name_of(node));
      },
      nodes);
}

}  // namespace ww::stepped
