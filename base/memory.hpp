// How this process holds memory.
#pragma once

namespace ww {

/// Lets the process keep what it frees, and take memory in large pieces. Thousands of short runs in
/// one process ask for the same memory again and again; to give it back in between and fault it in
/// anew costs a tenth of such a run. Called once, before other threads start.
void keep_freed_memory();

}  // namespace ww
