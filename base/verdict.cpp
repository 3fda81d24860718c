#include "base/verdict.hpp"

namespace ww {

std::string_view name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::kValid:
      return "valid";
    case Verdict::kUnknown:
      return "unknown";
    case Verdict::kInvalid:
      return "invalid";
  }
  return "?";
}

Verdict compose(const std::vector<CheckResult>& results) {
  if (results.empty()) return Verdict::kUnknown;
  Verdict out = Verdict::kValid;
  for (const CheckResult& result : results) out = compose(out, result.verdict);
  return out;
}

}  // namespace ww
