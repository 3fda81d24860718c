// The nemesis' words for a power loss, in those of the disk model.
#pragma once

#include "faults/cluster.hpp"
#include "faults/disk/disk_model.hpp"

namespace ww::worlds {

inline faults::CrashStyle crash_style(faults::LossStyle style) {
  switch (style) {
    case faults::LossStyle::kNothing:
      return faults::CrashStyle::kNothing;
    case faults::LossStyle::kPrefix:
      return faults::CrashStyle::kPrefix;
    case faults::LossStyle::kTorn:
      return faults::CrashStyle::kTorn;
  }
  return faults::CrashStyle::kNothing;
}

}  // namespace ww::worlds
