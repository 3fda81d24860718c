// A stepped node that looks at a clock of the machine. The tripwire must kill it.
#include <chrono>
#include <cstdio>

#include "nodes/host/stepped_node.hpp"

int main(int argc, char** argv) {
  using namespace ww;
  const host::CommandLine line = host::parse_command_line(argc, argv);
  if (!line.options || !line.options->stepped_fd) {
    std::fputs(line.text.c_str(), stderr);
    return host::kExitUsage;
  }
  return host::serve_stepped(*line.options,
                             [](host::StepMachine& machine, const wire::stepped::Clock& clock,
                                const wire::stepped::Event& event, wire::stepped::Output& out) {
                               machine.step(clock, event, out);
                               if (std::chrono::steady_clock::now().time_since_epoch().count() == 0)
                                 out.deadline = {};
                             });
}
