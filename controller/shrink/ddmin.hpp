// Delta debugging: from a set that fails to a small subset that still does.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

namespace ww::shrink {

/// Some of the items 0 to n - 1, ascending.
using Subset = std::vector<std::size_t>;

/// All of them.
Subset everything(std::size_t n);

/// Leaves out what `fails` can do without.
///
/// Shape:    the items of a failing set -> a failing subset of it from which no single item can be
///           left out; nothing at all when the empty set fails. Chunks of half the items are tried
///           first, then of a quarter, and so on; single items are tried until a whole round leaves
///           out none. About 2 log n tests for one culprit, n^2 at worst.
/// Requires: `fails` holds for all n items, which is not tested. It need not be monotone: a subset
///           may fail although a larger one does not.
/// Errors:   none. When `more` says no, the smallest failing subset so far.
/// Source:   Zeller & Hildebrandt 2002, "Simplifying and Isolating Failure-Inducing Input",
///           section 3; complements only, as most implementations since.
Subset ddmin(
    std::size_t n, const std::function<bool(const Subset&)>& fails,
    const std::function<bool()>& more = [] { return true; });

}  // namespace ww::shrink
