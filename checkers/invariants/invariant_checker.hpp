// The invariants of docs/invariants.md, checked while a run goes on.
//
// Evidence comes in as it is read: node by node, in no order across nodes. A merger puts it into
// causal order (a receive waits for its send), a model of the cluster follows what each node did,
// and groups of rules compare every step with what Raft permits. Durable state is never taken from
// what a node says it synced, but from the operations of its byte store, decoded here.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "base/evidence.hpp"
#include "base/verdict.hpp"

namespace ww::checkers {

/// The profile of the system under test: which rows apply to it.
struct InvariantOptions {
  std::vector<NodeId> voters;    // the first configuration
  std::vector<NodeId> spares{};  // nodes that may join
  /// The bundled node also keeps every message's term at or below its durable term.
  bool house_rules = true;
  /// The nodes' traces carry the operations of their byte stores; without them no row about
  /// durability is decided.
  bool store_evidence = true;
  /// Judges by frames and history alone, as if the nodes wrote no traces.
  bool trace_ignored = false;
  /// There are leases, and the clocks keep within the bound that they rest on: LeaseDisjoint is
  /// judged.
  bool leases = false;
  /// How long, in true time, a node that heard from a leader or started again votes for nobody:
  /// LeasePromise is judged. To be set only where the traces' times are those of the steps.
  std::optional<Duration> lease_promise{};
  /// How the cluster changes its voters; nothing: in either way.
  std::optional<wire::MembershipMode> membership{};
  /// Log entries kept below the lowest commit index of a live node; older ones are thinned out to
  /// checkpoints, so that memory follows the live window.
  Index keep_entries = 65536;
};

/// Checks evidence against the invariants, on line.
///
/// Shape:    amortised O(1) a record or frame; memory follows the live log window and the messages
/// in
///           flight. The result is a function of the evidence: no hash or pointer order is used.
/// Requires: the order of calls that EvidenceSink promises. One thread at a time.
class InvariantChecker final : public EvidenceSink {
 public:
  explicit InvariantChecker(InvariantOptions options);
  ~InvariantChecker() override;
  InvariantChecker(InvariantChecker&&) noexcept;
  InvariantChecker& operator=(InvariantChecker&&) noexcept;

  void on_start(NodeId node, Incarnation incarnation, Instant time) override;
  void on_trace(NodeId node, Incarnation incarnation, const wire::trace::Record& record) override;
  void on_death(NodeId node, Incarnation incarnation, Instant time, Death how, bool torn) override;
  void on_disk(NodeId node, Instant time, const DiskImage& before, const DiskImage& after) override;
  void on_frame(Instant time, const wire::Envelope& envelope, std::string_view payload) override;
  void on_op(const Op& op) override;

  /// Whether any rule is broken so far.
  [[nodiscard]] bool violated() const;
  /// The first violation found, or nullptr. Valid until the next call of this object.
  [[nodiscard]] const Violation* first_violation() const;

  /// Ends the evidence: what still waits is consumed as it is, and every row that applies to the
  /// profile yields one result, in the order of docs/invariants.md, `checker` being its id.
  ///
  /// A row that was never evaluated is kUnknown with a reason that begins "never evaluated". Its
  /// `numbers["rare"]` is 1 when that is no gap of the run: what the row is about (a crash, a
  /// conflicting tail, ...) need not happen in every run.
  /// Requires: called once; no evidence follows.
  std::vector<CheckResult> finish();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace ww::checkers
