// A stepped node that lets an address decide: it sends what one event led to in the order in which
// a hash table over the messages' addresses would yield them. Addresses are random from process to
// process, and so is what it does. Comparing two runs must catch it.
//
// The order is that of hashed addresses, as open-addressing tables have it: plain address order
// within one heap is the same in every run, since randomisation moves the heap as a whole.
#include <cstdint>
#include <cstdio>
#include <map>
#include <memory>
#include <string>

#include "base/hash.hpp"
#include "nodes/host/stepped_node.hpp"

namespace {

using namespace ww;
using Output = wire::stepped::Output;

struct ByHashedAddress {
  bool operator()(const std::unique_ptr<std::string>& a,
                  const std::unique_ptr<std::string>& b) const {
    return hash(a) < hash(b);
  }
  static std::uint64_t hash(const std::unique_ptr<std::string>& p) {
    return hash_combine(1, reinterpret_cast<std::uintptr_t>(p.get()));
  }
};

/// The output with its messages last, in the order of a pointer-keyed map.
void reorder(Output& out) {
  std::map<std::unique_ptr<std::string>, bool, ByHashedAddress> messages;
  std::vector<Output::Item> order;
  for (const Output::Item& item : out.order) {
    if (item.kind != Output::Kind::kSend) {
      order.push_back(item);
    } else {
      messages.emplace(std::make_unique<std::string>(out.view(out.sends[item.index])), true);
    }
  }
  out.order = std::move(order);
  out.sends.clear();
  out.bytes.clear();
  for (const auto& [payload, unused] : messages) out.add_send(*payload);
}

}  // namespace

int main(int argc, char** argv) {
  const host::CommandLine line = host::parse_command_line(argc, argv);
  if (!line.options || !line.options->stepped_fd) {
    std::fputs(line.text.c_str(), stderr);
    return host::kExitUsage;
  }
  return host::serve_stepped(*line.options,
                             [](host::StepMachine& machine, const wire::stepped::Clock& clock,
                                const wire::stepped::Event& event, Output& out) {
                               machine.step(clock, event, out);
                               reorder(out);
                             });
}
