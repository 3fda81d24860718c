// A node's complaints: whole lines on stderr, each saying who complains.
#pragma once

#include <unistd.h>

#include <string>
#include <utility>

namespace ww::host {

/// Thread safety: any thread; a line is one write(2), so that lines do not mix.
class Logger {
 public:
  explicit Logger(const std::string& node)
      : prefix_("whitewater-node" + (node.empty() ? "" : " " + node) + ": ") {}

  void line(const std::string& text) const {
    const std::string whole = prefix_ + text + '\n';
    // Nothing is left to say when stderr is gone.
    [[maybe_unused]] const ssize_t ignored = ::write(STDERR_FILENO, whole.data(), whole.size());
  }

 private:
  std::string prefix_;
};

}  // namespace ww::host
