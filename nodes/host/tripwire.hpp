// Kills a stepped node that asks for a time, a random number, a thread or anything else that the
// world does not know of: what it does must follow from the events that it is fed.
//
// A system-call filter alone stops no clock, since the vDSO reads them from shared pages and rdtsc
// from the processor. Three walls, in this order:
//   rdtsc, rdtscp    the processor refuses them (PR_SET_TSC): SIGSEGV; if the machine can
//   vDSO             its data pages are gone: SIGSEGV
//   system calls     a seccomp filter knows those that a stepped node needs; any other: SIGSYS
// A failed assertion ends in SIGSYS too, after its message: abort() asks for the process' id.
//
// What no wall stops: rdrand, rdseed and rdpid (instructions), AT_RANDOM (memory that the kernel
// filled before), the processor's number (glibc keeps it in memory), times of files (fstat), and a
// path that names more than a file of the data directory, when it is opened through the directory's
// own descriptor. purity_test shows that the deterministic part of the node uses none of these.
#pragma once

#include "base/result.hpp"

namespace ww::host {

/// Whether this build can have one: x86-64 Linux, and no sanitizer, whose run time needs system
/// calls of its own.
bool has_tripwire();

/// Arms it for this process, for good. Needs no privileges. From here on files are opened through
/// `directory` alone, a descriptor of the data directory.
///
/// Requires: one thread.
/// Errors:   kEnvironment naming what this build, machine or kernel lacks; walls before that one
///           stand.
Result<void> arm_tripwire(int directory);

/// Whether this machine lets a process give up rdtsc: some hypervisors agree and do not keep to it.
/// Tried in a child. Where it does not, a tripwire leaves rdtsc alone, and only the search of the
/// object code and comparing runs find it.
bool can_forbid_rdtsc();

}  // namespace ww::host
