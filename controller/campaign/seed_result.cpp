#include "controller/campaign/seed_result.hpp"

#include <algorithm>
#include <array>

#include "controller/cli/exit_codes.hpp"
#include "controller/run/signature.hpp"

namespace ww::campaign {

namespace {

struct Row {
  std::string_view name;
  int exit;
  bool failure;
};

/// In the order of Class.
constexpr std::array<Row, kClasses> kRows = {{{"valid", cli::kExitValid, false},
                                              {"vacuous", cli::kExitUnknown, false},
                                              {"unknown", cli::kExitUnknown, false},
                                              {"no-recovery", cli::kExitNoRecovery, true},
                                              {"crash", cli::kExitNodeCrashed, true},
                                              {"invalid", cli::kExitInvalid, true},
                                              {"harness", cli::kExitHarness, true},
                                              {"environment", cli::kExitEnvironment, false}}};

const Row& row_of(Class verdict) {
  return kRows[static_cast<std::size_t>(verdict)];
}

}  // namespace

std::string_view name_of(Class verdict) {
  return row_of(verdict).name;
}

std::optional<Class> class_named(std::string_view name) {
  const auto found =
      std::find_if(kRows.begin(), kRows.end(), [&](const Row& row) { return row.name == name; });
  if (found == kRows.end()) return std::nullopt;
  return static_cast<Class>(found - kRows.begin());
}

int exit_of(Class verdict) {
  return row_of(verdict).exit;
}

bool is_failure(Class verdict) {
  return row_of(verdict).failure;
}

Class class_of(const reports::RunReport& report) {
  switch (report.exit_code) {
    case cli::kExitValid:
      return Class::kValid;
    case cli::kExitInvalid:
      return Class::kInvalid;
    case cli::kExitNoRecovery:
      return Class::kNoRecovery;
    case cli::kExitNodeCrashed:
      return Class::kCrash;
    case cli::kExitEnvironment:
      return Class::kEnvironment;
    case cli::kExitUnknown:
      return run::is_only_vacuous(report) ? Class::kVacuous : Class::kUnknown;
    default:
      return Class::kHarness;
  }
}

Class class_of(const Error& error) {
  const bool machine = error.code == ErrorCode::kEnvironment || error.code == ErrorCode::kIo ||
                       error.code == ErrorCode::kNoSpace;
  return machine ? Class::kEnvironment : Class::kHarness;
}

}  // namespace ww::campaign
