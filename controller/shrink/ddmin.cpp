#include "controller/shrink/ddmin.hpp"

#include <algorithm>
#include <numeric>

namespace ww::shrink {

namespace {

/// One round: every chunk of `size` items is left out unless it is needed. Later items go first:
/// in a sequence they are the ones that depend on others.
bool sweep(Subset& kept, std::size_t size, const std::function<bool(const Subset&)>& fails,
           const std::function<bool()>& more) {
  bool shrunk = false;
  std::size_t end = kept.size();
  while (end > 0 && more()) {
    const std::size_t begin = end - std::min(end, size);
    Subset rest(kept.begin(), kept.begin() + static_cast<std::ptrdiff_t>(begin));
    rest.insert(rest.end(), kept.begin() + static_cast<std::ptrdiff_t>(end), kept.end());
    // The empty set was tried before anything else.
    if (!rest.empty() && fails(rest)) {
      kept = std::move(rest);
      shrunk = true;
    }
    end = begin;
  }
  return shrunk;
}

}  // namespace

Subset everything(std::size_t n) {
  Subset all(n);
  std::iota(all.begin(), all.end(), std::size_t{0});
  return all;
}

Subset ddmin(std::size_t n, const std::function<bool(const Subset&)>& fails,
             const std::function<bool()>& more) {
  Subset kept = everything(n);
  if (n == 0 || !more()) return kept;
  if (fails({})) return {};
  for (std::size_t size = (n + 1) / 2; size > 1; size = (std::min(size, kept.size()) + 1) / 2) {
    sweep(kept, size, fails, more);
  }
  while (more() && kept.size() > 1 && sweep(kept, 1, fails, more)) {
  }
  return kept;
}

}  // namespace ww::shrink
