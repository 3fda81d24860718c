// Programmer errors end the process with the place and the reason, in release builds too; but see
// base/caught_assertion.hpp.
#pragma once

namespace ww {

[[noreturn]] void assertion_failed(const char* condition, const char* file, int line,
                                   const char* message);

}  // namespace ww

#define WW_ASSERT(condition, message)                                  \
  do {                                                                 \
    if (!(condition)) [[unlikely]] {                                   \
      ::ww::assertion_failed(#condition, __FILE__, __LINE__, message); \
    }                                                                  \
  } while (false)
