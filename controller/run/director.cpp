#include "controller/run/director.hpp"

#include <algorithm>
#include <utility>

#include "faults/membership.hpp"
#include "workloads/registry.hpp"

namespace ww::run {

namespace {

constexpr Duration kStartLimit = seconds(30);
constexpr Duration kStopLimit = seconds(10);
constexpr Duration kPoll = milliseconds(20);
constexpr std::size_t kMaxErrors = 20;

checkers::InvariantOptions invariant_options(const PlanFile& plan, TraceTimes times) {
  const TestSpec& spec = plan.test;
  checkers::InvariantOptions options;
  for (std::uint32_t i = 1; i <= spec.nodes; ++i) options.voters.push_back(NodeId{i});
  options.trace_ignored = spec.ignore_traces;
  for (std::uint32_t i = spec.nodes + 1; i <= spec.all_nodes(); ++i) {
    options.spares.push_back(NodeId{i});
  }
  options.leases = keeps_lease_bound(plan);
  if (options.leases && times == TraceTimes::kOfStep) options.lease_promise = lease_promise(spec);
  options.membership = spec.membership_mode();
  return options;
}

std::unique_ptr<workloads::Engine> make_engine(const PlanFile& plan) {
  const TestSpec& spec = plan.test;
  workloads::RegisterOptions register_options;
  register_options.seed = spec.seed;
  register_options.values =
      spec.small_domain ? workloads::Values::kSmall : workloads::Values::kUnique;
  register_options.log_read_percent = spec.log_read_percent;
  const workloads::WorkloadInfo* info = workloads::find_workload(spec.workload);
  WW_ASSERT(info != nullptr, "an unknown workload reached the run");
  workloads::EngineOptions options;
  options.seed = spec.seed;
  options.worker.nodes = spec.nodes;
  options.worker.spares = spec.spares;
  options.worker.concurrency = spec.workers();
  options.worker.stay_timeout = spec.op_timeout;
  options.worker.follow_timeout = 4 * spec.op_timeout;
  options.worker.watch_time = spec.op_timeout / 2;
  options.rate = spec.rate;
  options.follow_one_in = spec.follow_one_in;
  options.script = plan.ops;
  return std::make_unique<workloads::Engine>(options, info->make(register_options));
}

}  // namespace

std::string_view name_of(RunPhase phase) {
  switch (phase) {
    case RunPhase::kStarting:
      return "start";
    case RunPhase::kTorture:
      return "torture";
    case RunPhase::kHealing:
      return "heal";
    case RunPhase::kClosing:
      return "final reads";
    case RunPhase::kConverging:
      return "converge";
    case RunPhase::kStopping:
      return "stop";
    case RunPhase::kDone:
      return "done";
  }
  return "?";
}

Director::Director(const PlanFile& plan, faults::LinkTable& links, HistoryWriter* history,
                   TraceSink* trace, TraceTimes times)
    : plan_(plan),
      spec_(plan.test),
      recovery_(spec_.heal == "quorum" ? recover_quorum(spec_.seed, spec_.nodes, spec_.spares)
                                       : recover_all(spec_.nodes)),
      links_(links),
      history_writer_(history),
      trace_(trace),
      engine_(make_engine(plan)),
      invariants_(invariant_options(plan, times)),
      timeline_(plan.test.all_nodes()) {}

Director::~Director() = default;

void Director::begin(worlds::World& world, Instant now) {
  world_ = &world;
  now_ = now;
  phase_since_ = now;
  world.start_all();
}

Instant Director::deadline() const {
  // The phases wait for conditions that evidence brings; the poll bounds how late they see it.
  Instant next = now_ + kPoll;
  if (phase_ == RunPhase::kTorture) {
    next = std::min(*torture_begin_ + spec_.time_limit, nemesis_->deadline());
    if (spec_.cut > Duration{}) next = std::min(next, *torture_begin_ + spec_.cut);
  }
  if (phase_ > RunPhase::kStarting && phase_ < RunPhase::kStopping) {
    next = std::min(next, engine_->deadline());
  }
  return next;
}

void Director::advance(Instant now) {
  now_ = std::max(now_, now);
  if (phase_ == RunPhase::kTorture) nemesis_->advance(now_);
  if (phase_ > RunPhase::kStarting && phase_ < RunPhase::kStopping && engine_->deadline() <= now_) {
    engine_->on_timer(now_, actions_);
  }
  perform();
  advance_phase(now_);
  perform();
}

void Director::enter(RunPhase phase, Instant now) {
  phase_ = phase;
  phase_since_ = now;
}

void Director::advance_phase(Instant now) {
  const Instant recovery_end = healed_.value_or(now) + spec_.recovery_limit;
  switch (phase_) {
    case RunPhase::kStarting:
      if (world_->serving() == spec_.all_nodes() && timeline_.leader() != kNobody) {
        begin_torture(now);
      } else if (now - phase_since_ > kStartLimit || !crashes_.empty() || !errors_.empty()) {
        if (crashes_.empty() && errors_.empty()) {
          on_world_error(Error{ErrorCode::kTimeout, true,
                               "the cluster had no leader within " + format_duration(kStartLimit) +
                                   " of its start; see the stderr.log of the nodes"});
        }
        give_up(now);
      }
      break;
    case RunPhase::kTorture:
      if (spec_.cut > Duration{} && now >= *torture_begin_ + spec_.cut) return cut(now);
      if (now >= *torture_begin_ + spec_.time_limit || !errors_.empty()) begin_healing(now);
      break;
    case RunPhase::kHealing:
      advance_healing(now);
      break;
    case RunPhase::kClosing:
      if (engine_->finished()) {
        enter(RunPhase::kConverging, now);
      } else if (now >= recovery_end) {
        note_recovery_end(now);
      }
      break;
    case RunPhase::kConverging:
      if (timeline_.converged(recovery_.members)) recovered_ = now;
      if (recovered_ || now >= recovery_end) note_recovery_end(now);
      break;
    case RunPhase::kStopping:
      if (world_->all_down()) {
        timeline_.finish(now);
        enter(RunPhase::kDone, now);
      } else if (now - phase_since_ > kStopLimit && !stop_limit_passed_) {
        stop_limit_passed_ = true;
        crashes_.push_back(
            {kNobody, now,
             "a node did not end within " + format_duration(kStopLimit) + " of being asked to"});
        world_->kill_all();
      }
      break;
    case RunPhase::kDone:
      break;
  }
}

bool Director::changes_members() const {
  return std::any_of(plan_.faults.faults.begin(), plan_.faults.faults.end(),
                     [](const auto& fault) { return fault.kind == "membership"; });
}

void Director::begin_torture(Instant now) {
  enter(RunPhase::kTorture, now);
  torture_begin_ = now;
  const Duration shift = now.time_since_epoch();
  faults::Plan plan = plan_.faults;
  for (faults::FaultSpec& fault : plan.faults) fault.at += shift;
  plan.time_limit += shift;
  faults::NemesisOptions options;
  if (keeps_lease_bound(plan_)) options.most_drift_ppm = lease_drift_ppm(spec_);
  options.first_voters = spec_.nodes;
  options.membership = spec_.membership_mode();
  options.fewest_voters = faults::fewest_voters(plan_.faults, spec_.nodes);
  // Whoever recovers without the others must be able to cover whatever was damaged.
  if (!recovery_.left.empty()) options.undamaged = recovery_.members;
  nemesis_ = std::make_unique<faults::Nemesis>(
      std::move(plan), *world_, links_, [this](const faults::Mark& m) { mark(m); }, options);
  engine_->start(now, actions_);
}

void Director::begin_healing(Instant now) {
  torture_end_ = now;
  enter(RunPhase::kHealing, now);
  // With members unknown, nobody knows whom they can spare.
  const bool changed = changes_members();
  if (changed) restoration_.emplace(spec_);
  nemesis_->heal_all(now, changed ? faults::Rest() : recovery_.rest);
  if (!changed) note_rest(now);
  engine_->begin_recovery(now);
  // Every fault has started its nodes again; this is for those that ended by themselves.
  const auto nodes = changed ? recover_all(spec_.all_nodes()).members : recovery_.members;
  for (const NodeId node : nodes) world_->start(node);
}

void Director::note_rest(Instant now) {
  if (recovery_.left.empty()) return;
  engine_->record_nemesis(now, "left broken: " + recovery_.left, actions_);
}

void Director::advance_healing(Instant now) {
  if (restoration_ && !restoration_->done() && world_->serving() == spec_.all_nodes()) {
    restoration_->advance(now, *world_);
    if (restoration_->failed(now)) return note_recovery_end(now);
    if (restoration_->done()) {
      nemesis_->leave(recovery_.rest);
      note_rest(now);
    }
  }
  const bool restored = !restoration_ || restoration_->done();
  if (!healed_ && restored && members_serve()) healed_ = now;
  if (const NodeId leader = timeline_.leader_of(recovery_.members);
      healed_ && !leader_after_heal_ && leader != kNobody) {
    leader_after_heal_ = std::max(*healed_, timeline_.role_since(leader));
  }
  if (leader_after_heal_ && engine_->idle()) {
    engine_->begin_final(now, recovery_.members, actions_);
    enter(RunPhase::kClosing, now);
  } else if (healed_ ? now >= *healed_ + spec_.recovery_limit
                     : now - phase_since_ > kStartLimit + spec_.recovery_limit) {
    note_recovery_end(now);
  }
}

bool Director::members_serve() const {
  const faults::ClusterView view = world_->view();
  return std::all_of(recovery_.members.begin(), recovery_.members.end(),
                     [&](NodeId node) { return view.nodes[node.value - 1].serving; });
}

void Director::note_recovery_end(Instant now) {
  recovery_judged_ = now;
  for (const NodeId node : recovery_.members) {
    const NodeState& s = timeline_.state(node);
    voters_.push_back({node, s.running && !s.paused, s.last.index, s.applied.index, s.digest});
  }
  unfinished_ = engine_->unfinished();
  pending_at_end_ = engine_->counters().in_flight;
  engine_->stop(now, actions_);
  perform();
  enter(RunPhase::kStopping, now);
  world_->shut_down_all();
}

void Director::interrupt(Instant now) {
  interrupted_ = true;
  if (phase_ == RunPhase::kTorture) begin_healing(now);
  if (phase_ == RunPhase::kStarting) give_up(now);
}

void Director::cut(Instant now) {
  WW_ASSERT(phase_ == RunPhase::kTorture, "a cut outside of the torture");
  abandoned_ = true;
  torture_end_ = now;
  engine_->stop(now, actions_);
  perform();
  give_up(now);
}

void Director::abandon(Instant now) {
  if (phase_ == RunPhase::kDone) return;
  if (phase_ > RunPhase::kStarting && phase_ < RunPhase::kStopping) {
    engine_->stop(now, actions_);
    perform();
  }
  abandoned_ = true;
  timeline_.finish(now);
  enter(RunPhase::kDone, now);
}

void Director::give_up(Instant now) {
  enter(RunPhase::kStopping, now);
  world_->shut_down_all();
}

void Director::perform() {
  // Performing an action may bring new ones from within the call; they wait for their turn, since
  // the history's lines are numbered already.
  if (actions_.empty() || std::exchange(performing_, true)) return;
  while (!actions_.empty()) {
    std::swap(actions_, in_hand_);
    for (workloads::Action& action : in_hand_) {
      if (auto* record = std::get_if<workloads::Record>(&action)) {
        keep(std::move(record->op));
      } else if (const auto* connect = std::get_if<workloads::Connect>(&action)) {
        world_->connect(connect->client, connect->node);
      } else if (const auto* gone = std::get_if<workloads::Disconnect>(&action)) {
        world_->disconnect(gone->client);
      } else if (const auto* send = std::get_if<workloads::SendRequest>(&action)) {
        world_->send(send->client, send->node, send->request);
      } else if (const auto* watch = std::get_if<workloads::SendWatch>(&action)) {
        world_->send(watch->client, watch->node, watch->request);
      }
    }
    in_hand_.clear();
  }
  performing_ = false;
}

void Director::mark(const faults::Mark& m) {
  std::string text =
      m.fault + " " + m.kind + " " + std::string(faults::name_of(m.phase)) + ": " + m.description;
  if (!m.nodes.empty()) text += " [" + faults::name_of(m.nodes) + "]";
  engine_->record_nemesis(now_, std::move(text), actions_);
}

void Director::on_op(const Op& op) {
  keep(op);
}

void Director::keep(Op line) {
  const Op& op = history_.emplace_back(std::move(line));
  if (history_writer_ != nullptr) {
    if (auto written = history_writer_->write(op); !written && errors_.empty()) {
      on_world_error(written.error());
    }
  }
  if (!unchecked_) invariants_.on_op(op);
}

void Director::on_start(NodeId node, Incarnation incarnation, Instant time) {
  timeline_.on_start(node, incarnation, time);
  if (!unchecked_) invariants_.on_start(node, incarnation, time);
}

void Director::on_trace(NodeId node, Incarnation incarnation, const wire::trace::Record& record) {
  now_ = std::max(now_, record.time);
  timeline_.on_trace(node, record);
  if (!unchecked_) invariants_.on_trace(node, incarnation, record);
  if (nemesis_ && std::holds_alternative<wire::trace::ClockFlip>(record.event)) {
    nemesis_->note_clock_flip(node, now_);
  }
  if (const auto* transfer = std::get_if<wire::trace::Transfer>(&record.event);
      nemesis_ && transfer) {
    nemesis_->note_transfer(node, transfer->phase, now_);
  } else if (const auto* change = std::get_if<wire::trace::Membership>(&record.event);
             nemesis_ && change) {
    nemesis_->note_membership(node, *change);
  } else if (const auto* configured = std::get_if<wire::trace::Configured>(&record.event);
             nemesis_ && configured) {
    nemesis_->note_configured(node, *configured);
  }
  if (const auto* doubt = std::get_if<wire::trace::Doubt>(&record.event); nemesis_ && doubt) {
    nemesis_->note_doubt(node, doubt->over, now_);
  } else if (const auto* store = std::get_if<wire::trace::Store>(&record.event);
             nemesis_ && store) {
    nemesis_->note_store(node, *store);
  }
  if (trace_ != nullptr) {
    trace_line_.clear();
    wire::trace::append_json(trace_line_, node, incarnation, record);
    trace_->write(trace_line_);
  }
  // Last, for it may end the node within this call.
  if (nemesis_) nemesis_->note_trace(node, record.event, now_);
}

void Director::on_death(NodeId node, Incarnation incarnation, Instant time, Death how, bool torn) {
  timeline_.on_death(node, time, std::string(ww::name_of(how)));
  if (!unchecked_) invariants_.on_death(node, incarnation, time, how, torn);
  if (nemesis_) nemesis_->node_died(node, time);
}

void Director::on_disk(NodeId node, Instant time, const DiskImage& before, const DiskImage& after) {
  ++disk_audits_;
  if (!unchecked_) invariants_.on_disk(node, time, before, after);
}

void Director::on_frame(Instant time, const wire::Envelope& envelope, std::string_view payload) {
  if (!unchecked_) invariants_.on_frame(time, envelope, payload);
}

void Director::on_connected(ClientId client, NodeId node, Instant now) {
  now_ = std::max(now_, now);
  engine_->on_connected(client, node, now_, actions_);
  perform();
}

void Director::on_connection_lost(ClientId client, NodeId node, Instant now, bool refused) {
  now_ = std::max(now_, now);
  engine_->on_connection_lost(client, node, now_, refused, actions_);
  perform();
}

void Director::on_reply(ClientId client, const wire::ClientReply& reply, Instant now) {
  now_ = std::max(now_, now);
  engine_->on_reply(client, reply, now_, actions_);
  perform();
}

void Director::on_watch_frame(ClientId client, const wire::WatchFrame& frame, Instant now) {
  now_ = std::max(now_, now);
  engine_->on_watch_frame(client, frame, now_, actions_);
  perform();
}

void Director::on_serving(NodeId node, Instant now) {
  if (nemesis_) nemesis_->node_serving(node, now);
}

void Director::on_crash(NodeId node, Instant now, const std::string& what) {
  crashes_.push_back({node, now, what});
}

void Director::on_clock_set(NodeId node, const faults::ClockSkew& skew, Instant true_time,
                            const Now& shown) {
  if (!nemesis_) return;
  nemesis_->note_clock_set(node, skew, now_);
  engine_->record_nemesis(
      now_,
      "clock of " + name_of(node) + ": mono " + format_duration(shown.mono - true_time) +
          " ahead of true time, wall " + format_duration(shown.wall - true_time) + ", rate " +
          std::to_string(skew.rate_ppm) + " ppm",
      actions_);
}

void Director::on_power_loss(NodeId node, const faults::PowerLoss& loss, Instant now) {
  if (nemesis_) nemesis_->note_power_loss(node, loss, now);
}

void Director::on_sync(NodeId node, bool ok, Duration late, Instant now) {
  if (nemesis_) nemesis_->note_sync(node, ok, late, now);
}

void Director::on_damage(NodeId node, const faults::DamageDone& damage, Instant now) {
  if (nemesis_) nemesis_->note_damage(node, damage, now);
}

void Director::on_refused(NodeId node, Instant now) {
  timeline_.on_refused(node);
  if (nemesis_) nemesis_->node_refused(node, now);
}

void Director::on_paused(NodeId node, bool paused, Instant now) {
  timeline_.on_paused(node, paused, now);
}

void Director::on_disk_disagreement(NodeId node, Instant now, const Error& error) {
  Violation violation;
  violation.property = "DiskAudit";
  violation.summary =
      name_of(node) + "'s files are not what its logged operations leave: " + error.message;
  violation.time = to_ns(now);
  violation.nodes = {name_of(node)};
  if (disk_violations_.size() < kMaxViolations) disk_violations_.push_back(std::move(violation));
}

void Director::on_world_error(const Error& error) {
  if (errors_.size() < kMaxErrors) errors_.push_back(error);
}

reports::Progress Director::progress(Instant now) const {
  reports::Progress out;
  out.phase = std::string(name_of(phase_));
  out.elapsed = now - torture_begin_.value_or(Instant{});
  out.limit = spec_.time_limit;
  const workloads::Counters& counters = engine_->counters();
  out.ok = counters.of(OpType::kOk);
  out.fail = counters.of(OpType::kFail);
  out.info = counters.of(OpType::kInfo);
  out.leader = timeline_.leader();
  out.term = timeline_.term();
  if (nemesis_) out.active_faults = nemesis_->active();
  out.violations = invariants_.violated() ? 1 : 0;
  return out;
}

PlanFile Director::executed() const {
  PlanFile out = plan_;
  if (!nemesis_) return out;
  out.faults = nemesis_->executed();
  const Duration shift = torture_begin().time_since_epoch();
  for (faults::FaultSpec& fault : out.faults.faults) fault.at -= shift;
  out.faults.time_limit -= shift;
  out.ops = engine_->script();
  return out;
}

checkers::LivenessFacts Director::liveness_facts() const {
  checkers::LivenessFacts facts;
  facts.healed = healed_.value_or(torture_end_.value_or(now_));
  facts.ended = recovery_judged_.value_or(now_);
  facts.election_timeout = spec_.election_timeout;
  facts.leader = leader_after_heal_;
  facts.pending_ops = pending_at_end_;
  facts.voters = voters_;
  if (restoration_) facts.restored = restoration_->done();
  for (const std::string& task : unfinished_) facts.probes.push_back({task, {}, {}});
  if (unfinished_.empty() && phase_ == RunPhase::kDone && recovered_) {
    facts.probes.push_back({"the closing writes and reads", recovered_, recovered_});
  }
  return facts;
}

}  // namespace ww::run
