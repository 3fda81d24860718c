// Drives a test cluster verb by verb and prints everything it did.
//
// A transcript file is a list of blocks: comment lines (#), verbs, one a line, a line "----", and
// what was printed up to an empty line. The verbs:
//
//   cluster N [voters=N] [bug=NAME] [append-bytes=N] [pending=N] [uncommitted=N] [sessions=N]
//             [leases=DRIFT] [follower-reads]
//             [snapshot-entries=N] [snapshot-bytes=N] [snapshot-interval-ms=N]
//             [snapshot-trailing=N] [snapshot-piece=N]
//   show all | KIND...          what is printed: deliver, write, save, send, answer, or a trace
//                               event
//   timer n1                    time goes on to n1's deadline, and its timer is due
//   advance 30                  time goes on by so many milliseconds
//   deliver n1->n2 [TYPE]       the oldest such message; "deliver all" until none is left
//   drop n1->n2 [TYPE]          loses it; "drop all" loses every one
//   copy n1->n2 [TYPE]          makes a second copy of it, at the end
//   written n1 [failed]         n1's oldest write is done, or failed; "written all" for all nodes
//   saved n1|all [failed]       completes the snapshot on its way to the disk
//   settle                      delivers and completes until nothing is left
//   elect n1                    timer n1 and settle, printing nothing
//   beat n1 N                   timer n1 and settle, N times, printing nothing
//   request n1 c1/1 open | read K | logread K | write K V | cas K OLD NEW | append K V | delete K
//                               each with [session=S seq=Q]
//   transfer n1 [n2]            n1 is asked to hand its leadership to n2, or to whom it likes
//   cut n1->n2, heal            later messages of that link are lost; no link's are any more
//   crash n1 [KEPT [saved]]     n1 dies; of its unsynced writes KEPT reached the disk, and the
//                               snapshot on its way there too; then: start n1
//   change n1 n2 n3 [single]    n1 is asked to make n2 and n3 the voters
//   members                     the configuration in force at each node that is up
//   wipe n1                     of the disk of n1, which is down, nothing is left
//   state                       one line a node
//   messages                    what is under way
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/unit/raft_cluster.hpp"

namespace ww::raft::testing {

class Transcript {
 public:
  /// Carries out one line and returns what it printed, a line a thing. A line that makes no sense
  /// prints a line that begins with "error:".
  std::string run(const std::string& line);

 private:
  using Words = std::vector<std::string>;
  void verb(const Words& words);
  void make_cluster(const Words& words);
  void request(const Words& words);
  void watch(const Words& words);
  void on_packet(const Words& words);
  void saved(const Words& words);
  void settle();
  void written(const Words& words);
  void state();
  void change(const Words& words);
  void members();
  void messages();
  void see(const Member& member, const Effect& effect);
  void print(const std::string& kind, const std::string& line);
  [[nodiscard]] NodeId node(const std::string& word);

  std::unique_ptr<Cluster> cluster_;
  std::set<std::string> shown_;  // empty: everything
  bool quiet_ = false;
  std::string out_;
};

/// What the blocks of a transcript should be: `text` with each block's output as it comes out now.
std::string replay(const std::string& text);

}  // namespace ww::raft::testing
