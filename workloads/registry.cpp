#include "workloads/registry.hpp"

#include <algorithm>
#include <array>

#include "workloads/watch.hpp"

namespace ww::workloads {

namespace {

std::unique_ptr<Generator> make_register(const RegisterOptions& options) {
  return std::make_unique<RegisterGenerator>(options);
}

std::unique_ptr<Generator> make_watch(const RegisterOptions& options) {
  return std::make_unique<WatchGenerator>(options);
}

constexpr std::array kWorkloads = {
    WorkloadInfo{"register",
                 "independent registers; the keys in use change as they wear, a few at a time",
                 "read write cas", "linearizable", make_register},
    WorkloadInfo{"watch",
                 "clients change a few keys while others are told of every change, in order",
                 "read write cas watch", "watch, linearizable", make_watch},
};

}  // namespace

std::span<const WorkloadInfo> all_workloads() {
  return kWorkloads;
}

const WorkloadInfo* find_workload(std::string_view name) {
  const auto found = std::find_if(kWorkloads.begin(), kWorkloads.end(),
                                  [&](const WorkloadInfo& w) { return w.name == name; });
  return found == kWorkloads.end() ? nullptr : &*found;
}

}  // namespace ww::workloads
