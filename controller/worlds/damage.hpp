// Damages a data directory of the bundled node: the one place that knows where in it damage means
// what.
#pragma once

#include <cstdint>

#include "base/evidence.hpp"
#include "faults/cluster.hpp"
#include "faults/disk/disk_model.hpp"
#include "faults/nemesis.hpp"

namespace ww::worlds {

/// What `damage` leaves of the files of a process that was killed, and whose operations `disk`
/// knows. All of it is durable. `done` tells whether anything was there to be damaged.
DiskImage damaged_files(const faults::DiskModel& disk, faults::Damage damage, std::uint64_t key,
                        faults::DamageDone& done);

}  // namespace ww::worlds
