// Brings the first voters back at the end of a run in which members changed.
//
// Whoever leads is asked again and again, until it has them, and nobody else, for members, and that
// is committed; and then no other configuration may be in force at any of them. That this comes to
// pass is part of what a healed cluster owes.
#pragma once

#include <optional>
#include <vector>

#include "base/ids.hpp"
#include "base/time.hpp"
#include "base/wire/configuration.hpp"
#include "controller/run/test_spec.hpp"
#include "faults/cluster.hpp"

namespace ww::run {

class Restoration {
 public:
  explicit Restoration(const TestSpec& spec);

  /// Looks at the cluster, and asks when it is time. REQUIRES: every node serves.
  void advance(Instant now, faults::Cluster& cluster);
  /// The first voters are the members, by what each of them knows. They stay it: nobody is asked
  /// any more.
  [[nodiscard]] bool done() const { return done_; }
  /// It took longer than a recovery may.
  [[nodiscard]] bool failed(Instant now) const {
    return !done_ && began_ && now >= *began_ + limit_;
  }

 private:
  std::vector<NodeId> voters_;
  wire::MembershipMode mode_;
  Duration limit_;
  Duration every_;
  std::optional<Instant> began_;
  Instant next_{};
  bool done_ = false;
};

}  // namespace ww::run
