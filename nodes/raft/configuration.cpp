#include "nodes/raft/configuration.hpp"

#include <utility>

#include "base/assert.hpp"

namespace ww::raft {

namespace {

bool contains(const std::vector<NodeId>& nodes, NodeId node) {
  return std::binary_search(nodes.begin(), nodes.end(), node);
}

std::vector<NodeId> merged(const std::vector<NodeId>& a, const std::vector<NodeId>& b) {
  std::vector<NodeId> out;
  std::set_union(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(out));
  return out;
}

bool is_majority(const std::vector<NodeId>& half, const std::vector<NodeId>& nodes) {
  const auto there = std::count_if(half.begin(), half.end(),
                                   [&nodes](NodeId voter) { return contains(nodes, voter); });
  return static_cast<std::size_t>(there) > half.size() / 2;
}

}  // namespace

bool is_voter(const Configuration& c, NodeId node) {
  return contains(c.voters, node) || contains(c.next, node);
}

bool is_learner(const Configuration& c, NodeId node) {
  return contains(c.learners, node);
}

std::vector<NodeId> voters_of(const Configuration& c) {
  return merged(c.voters, c.next);
}

std::vector<NodeId> members_of(const Configuration& c) {
  return merged(voters_of(c), c.learners);
}

bool has_quorum(const Configuration& c, const std::vector<NodeId>& nodes) {
  return is_majority(c.voters, nodes) && (!is_joint(c) || is_majority(c.next, nodes));
}

std::size_t Configurations::place_at(Index index) const {
  const auto behind = std::upper_bound(items_.begin() + 1, items_.end(), index,
                                       [](Index i, const Item& item) { return i < item.index; });
  return static_cast<std::size_t>(behind - items_.begin()) - 1;
}

const Configuration& Configurations::at(Index index) const {
  return items_[place_at(index)].configuration;
}

bool Configurations::may_count(NodeId node, Index committed) const {
  return std::any_of(items_.begin() + static_cast<std::ptrdiff_t>(place_at(committed)),
                     items_.end(),
                     [node](const Item& item) { return is_voter(item.configuration, node); });
}

void Configurations::append(Index index, Configuration configuration) {
  WW_ASSERT(index > latest_index(), "a configuration before the one in force");
  items_.push_back({index, std::move(configuration)});
}

bool Configurations::truncate(Index from) {
  const std::size_t before = items_.size();
  while (items_.size() > 1 && items_.back().index >= from) items_.pop_back();
  return items_.size() != before;
}

void Configurations::drop_to(Index base) {
  items_.erase(items_.begin(), items_.begin() + static_cast<std::ptrdiff_t>(place_at(base)));
}

void Configurations::begin_with(Index index, Configuration configuration) {
  drop_to(index);
  items_.front() = {index, std::move(configuration)};
}

bool Configurations::is_sound(Index last) const {
  const bool sound = std::all_of(items_.begin(), items_.end(), [last](const Item& item) {
    return item.index <= last && wire::is_sound(item.configuration);
  });
  return !items_.empty() && sound &&
         std::adjacent_find(items_.begin(), items_.end(), [](const Item& a, const Item& b) {
           return a.index >= b.index;
         }) == items_.end();
}

}  // namespace ww::raft
