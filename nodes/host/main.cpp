#include <cstdio>
#include <exception>

#include "nodes/host/live_node.hpp"
#include "nodes/host/logger.hpp"
#include "nodes/host/options.hpp"
#include "nodes/host/stepped_node.hpp"

int main(int argc, char** argv) {
  using namespace ww::host;
  try {
    const CommandLine line = parse_command_line(argc, argv);
    if (line.options) {
      return line.options->stepped_fd ? run_stepped_node(*line.options)
                                      : run_live_node(*line.options);
    }
    if (line.status == kExitShutdown) {
      std::fputs(line.text.c_str(), stdout);
    } else {
      Logger("").line(line.text);
    }
    return line.status;
  } catch (const std::exception& error) {
    Logger("").line(std::string("internal error: ") + error.what());
    return kExitInternal;
  }
}
