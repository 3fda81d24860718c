// The workloads that exist, as a table.
#pragma once

#include <memory>
#include <span>
#include <string_view>

#include "workloads/generator.hpp"
#include "workloads/register.hpp"

namespace ww::workloads {

struct WorkloadInfo {
  std::string_view name;         // as in --workload
  std::string_view description;  // one line for `whitewater list`
  std::string_view functions;    // "read write cas"
  std::string_view checker;      // the history checker that judges it
  /// Makes its generator. The options are those of `register`, until a workload needs others.
  std::unique_ptr<Generator> (*make)(const RegisterOptions& options);
};

std::span<const WorkloadInfo> all_workloads();

/// The workload of that name, or nullptr.
const WorkloadInfo* find_workload(std::string_view name);

}  // namespace ww::workloads
