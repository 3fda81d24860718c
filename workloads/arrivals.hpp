// Waiting times of a Poisson process, without floating point.
#pragma once

#include "base/rng.hpp"
#include "base/time.hpp"

namespace ww::workloads {

/// A draw from the exponential distribution, cut off at 32 means.
///
/// Source: von Neumann 1951, "Various techniques used in connection with random digits": a
/// descending
///         run of uniform draws has odd length with just the probability that e^-x asks for, so
///         comparing integers suffices, and every machine draws the same.
Duration exponential(Rng& rng, Duration mean);

}  // namespace ww::workloads
