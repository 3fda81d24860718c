#include "base/wire/stepped.hpp"

#include <utility>

namespace ww::wire::stepped {

namespace {

/// Where the last of a list is.
template <class T>
std::uint32_t last_of(const std::vector<T>& list) {
  return static_cast<std::uint32_t>(list.size() - 1);
}

}  // namespace

void Output::clear() {
  order.clear();
  events.clear();
  writes.clear();
  sends.clear();
  replies.clear();
  saves.clear();
  notices.clear();
  bytes.clear();
  deadline = kNever;
  digest = 0;
  ended = false;
  cause = EndCause::kOwn;
  last_words.clear();
}

void Output::add(trace::Event&& event) {
  events.push_back(std::move(event));
  order.push_back({Kind::kTrace, last_of(events)});
}

void Output::add(std::vector<trace::Event>& list) {
  if (!events.empty()) {
    for (trace::Event& event : list) add(std::move(event));
    return list.clear();
  }
  // Mostly nothing came before: then the list itself changes hands.
  std::swap(events, list);
  for (std::uint32_t i = 0; i < events.size(); ++i) order.push_back({Kind::kTrace, i});
}

void Output::add(const Write& write) {
  writes.push_back(write);
  order.push_back({Kind::kWrite, last_of(writes)});
}

void Output::add(Reply&& reply) {
  replies.push_back(std::move(reply));
  order.push_back({Kind::kReply, last_of(replies)});
}

void Output::add(const Save& save) {
  saves.push_back(save);
  order.push_back({Kind::kSave, last_of(saves)});
}

void Output::add(Notice&& notice) {
  notices.push_back(std::move(notice));
  order.push_back({Kind::kNotice, last_of(notices)});
}

void Output::add_send(std::string_view payload) {
  sends.push_back({bytes.size(), payload.size()});
  bytes.append(payload);
  order.push_back({Kind::kSend, last_of(sends)});
}

}  // namespace ww::wire::stepped
