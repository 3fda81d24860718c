#include "base/wire/stepped.hpp"

#include <utility>

namespace ww::wire::stepped {

namespace {

/// Appends to a list and says where.
template <class T>
std::uint32_t put(std::vector<T>& list, T item) {
  list.push_back(std::move(item));
  return static_cast<std::uint32_t>(list.size() - 1);
}

}  // namespace

void Output::clear() {
  order.clear();
  events.clear();
  writes.clear();
  sends.clear();
  replies.clear();
  bytes.clear();
  deadline = kNever;
  digest = 0;
  ended = false;
  last_words.clear();
}

void Output::add(trace::Event event) {
  order.push_back({Kind::kTrace, put(events, std::move(event))});
}

void Output::add(const Write& write) {
  order.push_back({Kind::kWrite, put(writes, write)});
}

void Output::add(Reply reply) {
  order.push_back({Kind::kReply, put(replies, std::move(reply))});
}

void Output::add_send(std::string_view payload) {
  const Send send{bytes.size(), payload.size()};
  bytes.append(payload);
  order.push_back({Kind::kSend, put(sends, send)});
}

}  // namespace ww::wire::stepped
