// Colours of a terminal.
#pragma once

#include <string>

#include "base/verdict.hpp"

namespace ww::reports {

class Painter {
 public:
  explicit Painter(bool on) : on_(on) {}
  [[nodiscard]] std::string bold(const std::string& text) const { return wrap("1", text); }
  [[nodiscard]] std::string dim(const std::string& text) const { return wrap("2", text); }
  [[nodiscard]] std::string verdict(Verdict verdict, const std::string& text) const {
    switch (verdict) {
      case Verdict::kValid:
        return wrap("1;32", text);
      case Verdict::kUnknown:
        return wrap("1;33", text);
      case Verdict::kInvalid:
        return wrap("1;31", text);
    }
    return text;
  }

 private:
  [[nodiscard]] std::string wrap(const char* code, const std::string& text) const {
    return on_ ? std::string("\x1b[") + code + "m" + text + "\x1b[0m" : text;
  }
  bool on_;
};

}  // namespace ww::reports
