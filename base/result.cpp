#include "base/result.hpp"

namespace ww {

std::string_view name_of(ErrorCode code) {
  switch (code) {
    case ErrorCode::kUsage:
      return "usage";
    case ErrorCode::kEnvironment:
      return "environment";
    case ErrorCode::kIo:
      return "io";
    case ErrorCode::kNoSpace:
      return "no-space";
    case ErrorCode::kCorrupt:
      return "corrupt";
    case ErrorCode::kTooLarge:
      return "too-large";
    case ErrorCode::kTimeout:
      return "timeout";
    case ErrorCode::kClosed:
      return "closed";
    case ErrorCode::kNotLeader:
      return "not-leader";
    case ErrorCode::kBusy:
      return "busy";
    case ErrorCode::kExpired:
      return "expired";
    case ErrorCode::kStopped:
      return "stopped";
    case ErrorCode::kInternal:
      return "internal";
  }
  return "?";
}

}  // namespace ww
