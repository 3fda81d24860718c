#include "checkers/invariants/frame_rules.hpp"

#include <algorithm>

#include "base/wire/peer.hpp"

namespace ww::checkers::invariants {

namespace t = wire::trace;
using wire::MessageType;

namespace {

std::string term_text(Term term) {
  return "term " + std::to_string(term);
}

}  // namespace

void FrameRules::on_frame(const Stamp& at, const wire::Envelope& envelope,
                          std::string_view payload) {
  if (wire::is_client_message(envelope.type)) return;
  const NodeId from = wire::node_of(envelope.from);
  const NodeId to = wire::node_of(envelope.to);
  if (!state_.knows(from) || !state_.knows(to)) return;
  const auto frame = wire::decode_peer(payload);
  if (!frame) {
    findings_.breach(Rule::kTraceTruth, at, [&](Account& a) {
      a.summary = name_of(from) + " sent " + name_of(to) +
                  " a frame that is no message: " + frame.error().message;
      a.fact(at, "the frame, " + std::to_string(payload.size()) + " bytes");
    });
    return;
  }
  const t::Summary message = t::summarize(frame->message, wire::borrowed_by(frame->message));
  check_alone(at, from, to, envelope.id, message);
  if (!options_.traces) return;
  Link& link = state_.link(from, to);
  const Link::Frame seen{envelope.id, at.time, message};
  if (envelope.id <= link.last_sent()) return compare(from, to, seen);
  const Node& sender = state_.node(from);
  const Incarnation incarnation = incarnation_of(envelope.id);
  const bool over =
      incarnation < sender.incarnation || (incarnation == sender.incarnation && !sender.alive);
  if (over) return untraced(from, to, seen);
  if (link.waiting.size() >= kMaxWaiting) {
    ++undecided_;
    link.waiting.pop_front();
  }
  link.waiting.push_back(seen);
}

void FrameRules::compare(NodeId from, NodeId to, const Link::Frame& frame) {
  const Link::Lookup sent = state_.link(from, to).find(frame.id);
  if (sent.known == Link::Known::kForgotten) {
    ++undecided_;
    return;
  }
  if (sent.known == Link::Known::kNever) return untraced(from, to, frame);
  findings_.evaluated(Rule::kTraceTruth);
  if (sent.sending->message == frame.message) return;
  Stamp at = sent.sending->at;
  at.time = frame.time;
  findings_.breach(Rule::kTraceTruth, at, [&](Account& a) {
    a.summary = name_of(from) + " traced \"" + describe(sent.sending->message) + "\" to " +
                name_of(to) + ", but the proxy saw \"" + describe(frame.message) + "\"";
    a.fact(sent.sending->at, "sends " + name_of(to) + " " + describe(sent.sending->message));
    a.nodes = {to};
  });
}

void FrameRules::untraced(NodeId from, NodeId to, const Link::Frame& frame) {
  if (senders_[from.value].torn) {
    ++undecided_;
    return;
  }
  findings_.evaluated(Rule::kTraceTruth);
  Stamp at;
  at.node = from;
  at.time = frame.time;
  findings_.breach(Rule::kTraceTruth, at, [&](Account& a) {
    a.summary = "the proxy saw a message of " + name_of(from) + " to " + name_of(to) +
                " that its trace does not have: \"" + describe(frame.message) + "\"";
    a.fact(at, "the frame " + describe(frame.message) + ", message id " +
                   std::to_string(frame.id.value));
    a.nodes = {to};
  });
}

void FrameRules::on_sent(const Node& n, const Stamp& at, const t::Sent& e) {
  Link& link = state_.link(n.id, e.to);
  if (e.id <= link.last_sent() || incarnation_of(e.id) != n.incarnation) {
    findings_.breach(Rule::kTraceTruth, at, [&](Account& a) {
      a.summary = name_of(n.id) + " sent " + name_of(e.to) +
                  " a message whose id does not grow, or is not of its incarnation";
      a.fact(at, describe(t::Event{e}));
    });
    return;
  }
  link.send({e.id, at, e.message});
  while (!link.waiting.empty() && link.waiting.front().id <= e.id) {
    const Link::Frame frame = link.waiting.front();
    link.waiting.pop_front();
    compare(n.id, e.to, frame);
  }
}

void FrameRules::on_received(const Node& n, const Stamp& at, const t::Received& e) {
  if (!state_.knows(e.from)) return;
  const Link& link = state_.link(e.from, n.id);
  const Link::Lookup sent = link.find(e.id);
  const bool missed =
      sent.known == Link::Known::kNever && e.id > link.last_sent() && may_miss(e.from);
  if (missed || sent.known == Link::Known::kForgotten) {
    ++undecided_;
    return;
  }
  findings_.evaluated(Rule::kTraceTruth);
  if (sent.known == Link::Known::kFound && sent.sending->message == e.message) return;
  findings_.breach(Rule::kTraceTruth, at, [&](Account& a) {
    a.summary = name_of(n.id) + " received \"" + describe(e.message) + "\" from " + name_of(e.from);
    if (sent.sending == nullptr) {
      a.summary += ", which " + name_of(e.from) + " did not send";
    } else {
      a.summary += ", which was sent as \"" + describe(sent.sending->message) + "\"";
      a.fact(sent.sending->at, "sends " + name_of(n.id) + " " + describe(sent.sending->message));
    }
    a.fact(at, describe(t::Event{e}));
    a.nodes = {e.from};
  });
}

void FrameRules::on_sequence(const Node& n, const Stamp& at, std::uint64_t expected) {
  if (at.sequence == expected) return;
  findings_.breach(Rule::kTraceTruth, at, [&](Account& a) {
    a.summary = "the trace of " + name_of(n.id) + " goes on with record " +
                std::to_string(at.sequence) + " where " + std::to_string(expected) +
                " is due: records are missing or repeated";
    a.fact(at, "this record");
  });
}

void FrameRules::on_end(const Node& n, bool torn) {
  senders_[n.id.value].torn |= torn;
  for (const NodeId to : state_.everyone) {
    Link& link = state_.link(n.id, to);
    while (!link.waiting.empty() && incarnation_of(link.waiting.front().id) <= n.incarnation) {
      untraced(n.id, to, link.waiting.front());
      link.waiting.pop_front();
    }
  }
}

void FrameRules::on_damage(NodeId node, Incarnation incarnation) {
  Sender& sender = senders_[node.value];
  sender.votes.clear();
  sender.granted = sender.acknowledged = sender.spoken = Promise{};
  sender.forgot = incarnation;
}

void FrameRules::check_alone(const Stamp& at, NodeId from, NodeId to, MessageId id,
                             const t::Summary& m) {
  const bool as_leader = m.type == MessageType::kAppend || m.type == MessageType::kInstallSnapshot;
  if (as_leader) check_writer(at, from, m.term);
  // Frames of a dead process may still come.
  if (incarnation_of(id) <= senders_[from.value].forgot) return;
  if (m.type == MessageType::kVote) check_vote(at, from, from, m.term);
  if (m.type == MessageType::kVoteReply && m.ok) check_vote(at, from, to, m.term);
  check_promise(at, from, id, m);
  if (options_.house_rules) check_order(at, from, id, m);
}

void FrameRules::check_writer(const Stamp& at, NodeId from, Term term) {
  findings_.evaluated(Rule::kES);
  const auto there = writers_.try_emplace(term, Vote{from, at}).first;
  const Vote& other = there->second;
  if (other.candidate != from) {
    findings_.breach(Rule::kES, at, [&](Account& a) {
      a.summary = name_of(other.candidate) + " and " + name_of(from) + " both sent appends of " +
                  term_text(term) + ", as only its leader may";
      a.fact(other.at, "the first append frame of " + term_text(term));
      a.fact(at, "an append frame of " + term_text(term));
      a.nodes = {other.candidate};
    });
  }
  if (writers_.size() > kMaxVotes) writers_.erase(writers_.begin());
}

void FrameRules::check_vote(const Stamp& at, NodeId from, NodeId candidate, Term term) {
  findings_.evaluated(Rule::kVote1);
  auto& votes = senders_[from.value].votes;
  const auto there = votes.try_emplace(term, Vote{candidate, at}).first;
  const Vote& other = there->second;
  if (other.candidate != candidate) {
    findings_.breach(Rule::kVote1, at, [&](Account& a) {
      a.summary = "frames show that " + name_of(from) + " voted twice in " + term_text(term) +
                  ": for " + name_of(other.candidate) + " and for " + name_of(candidate);
      a.fact(other.at, "its frame votes for " + name_of(other.candidate));
      a.fact(at, "its frame votes for " + name_of(candidate));
      a.nodes = {other.candidate, candidate};
    });
  }
  if (votes.size() > kMaxVotes) votes.erase(votes.begin());
}

void FrameRules::check_promise(const Stamp& at, NodeId from, MessageId id, const t::Summary& m) {
  Sender& sender = senders_[from.value];
  const bool grant = (m.type == MessageType::kVoteReply && m.ok) || m.type == MessageType::kVote;
  const bool success =
      (m.type == MessageType::kAppendReply || m.type == MessageType::kInstallSnapshotReply) && m.ok;
  if (grant && m.term > sender.granted.term) sender.granted = {id, m.term, at};
  if (success && id > sender.acknowledged.id) sender.acknowledged = {id, m.term, at};
  if (!grant && !success) return;
  // Frames of different links come in any order; ids tell in which they were sent.
  if (success) findings_.evaluated(Rule::kPromise);
  const Promise& told = success ? Promise{id, m.term, at} : sender.acknowledged;
  if (told.term == 0 || told.id < sender.granted.id || told.term >= sender.granted.term) return;
  findings_.breach(Rule::kPromise, at, [&](Account& a) {
    a.summary = "frames show that " + name_of(from) + " acknowledged an append of " +
                term_text(told.term) + " after it had voted in " + term_text(sender.granted.term);
    a.fact(sender.granted.at, "its frame votes in " + term_text(sender.granted.term));
    a.fact(told.at, "its frame acknowledges an append of " + term_text(told.term));
  });
}

void FrameRules::check_order(const Stamp& at, NodeId from, MessageId id, const t::Summary& m) {
  // Pre-votes speak of a term that nobody has yet.
  if (m.type == MessageType::kPreVote || m.type == MessageType::kPreVoteReply) return;
  Promise& spoken = senders_[from.value].spoken;
  findings_.evaluated(Rule::kTerm);
  const bool newer = id > spoken.id;
  if (spoken.term != 0 && (newer ? m.term < spoken.term : m.term > spoken.term)) {
    findings_.breach(Rule::kTerm, at, [&](Account& a) {
      a.summary = "frames show that " + name_of(from) + " went back from " +
                  term_text(std::max(m.term, spoken.term)) + " to " +
                  term_text(std::min(m.term, spoken.term));
      a.fact(spoken.at, "its frame of " + term_text(spoken.term));
      a.fact(at, "its frame " + describe(m));
    });
  }
  if (newer) spoken = {id, m.term, at};
}

}  // namespace ww::checkers::invariants
