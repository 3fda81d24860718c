// Were those who watch told of every change, once, in one order?
#pragma once

#include "base/verdict.hpp"

namespace ww::checkers {

/// Decides whether the watches of `history` were told the truth about its writes.
///
/// A watch that is ok covers the revisions from `value` to `to` of its key, or of all keys. What
/// must hold:
///   order         a watch is told of ascending revisions, of keys that it watches, which it covers
///   agreement     a revision is the same change for everybody
///   no gap        a change that anybody was told of is told to everybody who covers it
///   no loss       an acknowledged write is told to everybody who covers its revision, at that one
///   once          a write is one change at most
///   no invention  a change is a write of that value to that key, which was invoked by then, and
///                 neither failed for sure nor was a cas that did not match
///   real time     a write that was acknowledged before another was invoked has the lower revision
/// A write of unknown outcome may be told of or not. A watch that failed tells nothing; those that
/// asked for what is not kept any more are counted.
///
/// Shape:    n ops with m changes -> one result, O((n + m) log m). `evaluated` counts the changes
///           told and the acknowledged writes that somebody covers; violations are of property
///           "WATCH", each with the watches and writes that show it.
/// Requires: lines in order, at most one open op per process; each value is written once to a key.
///           Of keys that are deleted or appended to, the first three are decided, and no more.
/// Errors:   none; unknown when nobody was told of anything, or a value was written twice.
[[nodiscard]] CheckResult check_watch(const History& history);

/// Whether there is anything to check: somebody watches.
[[nodiscard]] bool has_watches(const History& history);

}  // namespace ww::checkers
