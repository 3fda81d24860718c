#include "controller/worlds/stepped/stepped_run.hpp"

#include <sched.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string>

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

/// Where the nodes of one run live.
class NodesDirectory {
 public:
  static Result<NodesDirectory> open(const std::string& run_directory) {
    if (!run_directory.empty()) return NodesDirectory(run_directory + "/nodes", false);
    std::string pattern = temporary_base() + "/whitewater-XXXXXX";
    if (::mkdtemp(pattern.data()) == nullptr) {
      return Error{ErrorCode::kEnvironment, true,
                   "no temporary directory " + pattern + ": " + std::strerror(errno) +
                       "; set TMPDIR to one that can be written to"};
    }
    return NodesDirectory(pattern, true);
  }
  NodesDirectory(NodesDirectory&& other) noexcept
      : path_(std::move(other.path_)), temporary_(std::exchange(other.temporary_, false)) {}
  NodesDirectory& operator=(NodesDirectory&&) = delete;
  ~NodesDirectory() {
    std::error_code ignored;
    if (temporary_) std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] std::string of(NodeId node) const { return path_ + "/" + name_of(node); }

 private:
  NodesDirectory(std::string path, bool temporary)
      : path_(std::move(path)), temporary_(temporary) {}

  static std::string temporary_base() {
    constexpr std::uint64_t kRoom = std::uint64_t{256} << 20;
    if (const char* chosen = std::getenv("TMPDIR"); chosen != nullptr && *chosen != '\0') {
      return chosen;
    }
    struct statvfs memory {};
    const char* const in_memory = "/dev/shm";
    const bool fits = ::statvfs(in_memory, &memory) == 0 &&
                      memory.f_bavail * memory.f_frsize >= kRoom &&
                      ::access(in_memory, W_OK | X_OK) == 0;
    return fits ? in_memory : "/tmp";
  }

  std::string path_;
  bool temporary_;
};

}  // namespace

Result<run::FinishedRun> execute(const run::PlanFile& plan, const run::RunOptions& options) {
  auto directory = NodesDirectory::open(options.run_directory);
  if (!directory) return directory.error();
  const OneCore together;
  return discrete::execute(plan, options, [&](const run::TestSpec& spec, NodeId node) {
    return make_node(spec, node, options.node_executable, directory->of(node));
  });
}

}  // namespace ww::stepped
