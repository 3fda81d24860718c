// Messages between nodes, seen three times: as sent, at the proxy, and as received.
#pragma once

#include <algorithm>
#include <deque>
#include <iterator>

#include "base/ids.hpp"
#include "base/wire/trace.hpp"
#include "checkers/invariants/findings.hpp"

namespace ww::checkers::invariants {

/// The incarnation that sent a message.
constexpr Incarnation incarnation_of(MessageId id) {
  return static_cast<Incarnation>(id.value >> 44);
}

/// Everything from one node to another. Ids grow within it.
///
/// Shape: a bounded window of messages; whether an id was sent at all is always known, what it said
///        only while it is in the window.
class Link {
 public:
  struct Sending {
    MessageId id;
    Stamp at;
    wire::trace::Summary message;
  };
  /// What a successful acknowledgement was worth when it left: the durable log of its sender.
  struct Acknowledgement {
    MessageId id;
    Term term = 0;
    Index durable = 0;  // min(match, what was durable)
    std::uint64_t chain = 0;
    Stamp at;
  };
  struct Frame {
    MessageId id;
    Instant time{};
    wire::trace::Summary message;
  };
  enum class Known : std::uint8_t { kFound, kForgotten, kNever };
  struct Lookup {
    Known known = Known::kNever;
    const Sending* sending = nullptr;
  };

  static constexpr std::size_t kWindow = 4096;
  static constexpr std::size_t kLately = 8;
  static constexpr std::size_t kMaxAcknowledgements = 65536;

  void send(const Sending& sending) {
    last_sent_ = std::max(last_sent_, sending.id);
    if (window_.size() >= kWindow) {
      forgotten_ = std::max(forgotten_, window_.front().id);
      window_.pop_front();
    }
    window_.push_back(sending);
  }
  [[nodiscard]] MessageId last_sent() const { return last_sent_; }
  [[nodiscard]] Lookup find(MessageId id) const {
    // What is asked for was mostly sent a moment ago, so the last few are looked at first.
    auto at = window_.end();
    for (std::size_t i = 0; i < kLately && at != window_.begin() && std::prev(at)->id >= id; ++i) {
      --at;
    }
    if (at != window_.begin() && std::prev(at)->id >= id) {
      at = std::lower_bound(window_.begin(), at, id,
                            [](const Sending& s, MessageId i) { return s.id < i; });
    }
    if (at != window_.end() && at->id == id) return {Known::kFound, &*at};
    return {id <= forgotten_ ? Known::kForgotten : Known::kNever, nullptr};
  }

  /// Frames that came before their `Sent` was consumed.
  std::deque<Frame> waiting;

  void acknowledge(const Acknowledgement& ack) {
    // Equal ones are one run: only what changes is kept.
    if (!acks_.empty() && acks_.back().term == ack.term && acks_.back().durable == ack.durable &&
        acks_.back().chain == ack.chain) {
      return;
    }
    if (acks_.size() >= kMaxAcknowledgements) {
      acks_forgotten_ = acks_.front().id;
      acks_.pop_front();
    }
    acks_.push_back(ack);
  }
  struct Worth {
    Known known = Known::kNever;
    const Acknowledgement* acknowledgement = nullptr;
  };
  /// What the acknowledgement `id` was worth. kNever: nothing that its receiver did not know
  /// before.
  [[nodiscard]] Worth worth(MessageId id) const {
    auto at = std::upper_bound(acks_.begin(), acks_.end(), id,
                               [](MessageId i, const Acknowledgement& a) { return i < a.id; });
    if (at != acks_.begin()) return {Known::kFound, &*--at};
    return {id <= acks_forgotten_ ? Known::kForgotten : Known::kNever, nullptr};
  }
  /// Forgets acknowledgements that cannot tell a leader of `term`, which knows of `durable`, more.
  void settle_acknowledgements(Term term, Index durable) {
    while (acks_.size() > 1 && (acks_.front().term < term ||
                                (acks_.front().term == term && acks_.front().durable <= durable))) {
      acks_.pop_front();
    }
  }

 private:
  std::deque<Sending> window_;
  std::deque<Acknowledgement> acks_;
  MessageId last_sent_;
  MessageId forgotten_;
  MessageId acks_forgotten_;
};

}  // namespace ww::checkers::invariants
