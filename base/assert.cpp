#include "base/assert.hpp"

#include <cstdio>
#include <cstdlib>
#include <string>

#include "base/caught_assertion.hpp"

namespace ww {

namespace {

thread_local int caught = 0;

}  // namespace

CaughtAssertions::CaughtAssertions() {
  ++caught;
}

CaughtAssertions::~CaughtAssertions() {
  --caught;
}

void assertion_failed(const char* condition, const char* file, int line, const char* message) {
  const std::string text = std::string(file) + ':' + std::to_string(line) +
                           ": assertion failed: " + condition + ": " + message;
  if (caught > 0) throw AssertionFailure(text);
  std::fprintf(stderr, "%s\n", text.c_str());
  std::fflush(stderr);
  std::abort();
}

}  // namespace ww
