// For those who run code that is not theirs to trust within their own process.
#pragma once

#include <exception>
#include <string>
#include <utility>

namespace ww {

/// A failed assertion that did not end the process: what it would have said.
class AssertionFailure : public std::exception {
 public:
  explicit AssertionFailure(std::string text) : text_(std::move(text)) {}
  [[nodiscard]] const char* what() const noexcept override { return text_.c_str(); }

 private:
  std::string text_;
};

/// As long as one lives, an assertion that fails on its thread throws AssertionFailure. What it
/// failed in is broken then, and good for nothing but to be destroyed. In a destructor or a
/// function that is noexcept the process ends all the same.
class CaughtAssertions {
 public:
  CaughtAssertions();
  ~CaughtAssertions();
  CaughtAssertions(const CaughtAssertions&) = delete;
  CaughtAssertions& operator=(const CaughtAssertions&) = delete;
};

}  // namespace ww
