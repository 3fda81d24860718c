#include "base/memory.hpp"

#include <malloc.h>

#include <limits>

namespace ww {

void keep_freed_memory() {
  constexpr int kPiece = 16 << 20;
  // A refusal changes no result, only speed.
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, std::numeric_limits<int>::max());
  mallopt(M_TOP_PAD, kPiece);
}

}  // namespace ww
