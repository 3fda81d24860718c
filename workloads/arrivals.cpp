#include "workloads/arrivals.hpp"

namespace ww::workloads {

Duration exponential(Rng& rng, Duration mean) {
  constexpr std::int64_t kCut = 32;
  for (std::int64_t whole = 0; whole < kCut; ++whole) {
    const std::uint64_t first = rng.next();
    std::uint64_t last = first;
    unsigned length = 1;
    for (std::uint64_t next = rng.next(); next < last; next = rng.next()) {
      last = next;
      ++length;
    }
    if (length % 2 == 0) continue;
    __extension__ using Wide = unsigned __int128;
    const Wide part = static_cast<Wide>(first) * static_cast<std::uint64_t>(mean.count());
    return mean * whole + Duration{static_cast<std::int64_t>(part >> 64)};
  }
  return mean * kCut;
}

}  // namespace ww::workloads
