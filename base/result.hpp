// Operating errors as values.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "base/assert.hpp"

namespace ww {

enum class ErrorCode {
  kUsage,        // A flag, plan or file that a person wrote is wrong.
  kEnvironment,  // The machine lacks something: a package, a port, a permission.
  kIo,           // A read or write failed.
  kNoSpace,      // A disk or a file size limit is full.
  kCorrupt,      // Bytes that do not decode, or fail their checksum.
  kTooLarge,     // Over a named limit.
  kTimeout,      // No answer in time.
  kClosed,       // The other side went away.
  kNotLeader,    // Asked a node that does not lead.
  kBusy,         // A bounded queue is full.
  kExpired,      // A session that the cluster no longer knows.
  kStopped,      // The node stops serving.
  kInternal,     // A bug of this program.
};

/// The code as reports print it: "not-leader".
std::string_view name_of(ErrorCode code);

/// What went wrong. `definite` says that the thing asked for surely did not happen and never will.
struct Error {
  ErrorCode code = ErrorCode::kInternal;
  bool definite = false;
  std::string message;
  friend bool operator==(const Error&, const Error&) = default;
};

/// A value or the reason that there is none.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : state_(std::move(value)) {}      // NOLINT: implicit by design
  Result(Error error) : state_(std::move(error)) {}  // NOLINT: implicit by design

  [[nodiscard]] bool ok() const { return state_.index() == 0; }
  explicit operator bool() const { return ok(); }

  T& value() & {
    WW_ASSERT(ok(), error_text());
    return *std::get_if<0>(&state_);
  }
  const T& value() const& {
    WW_ASSERT(ok(), error_text());
    return *std::get_if<0>(&state_);
  }
  T&& value() && {
    WW_ASSERT(ok(), error_text());
    return std::move(*std::get_if<0>(&state_));
  }
  const Error& error() const {
    WW_ASSERT(!ok(), "asked a success for its error");
    return *std::get_if<1>(&state_);
  }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  friend bool operator==(const Result&, const Result&) = default;

 private:
  const char* error_text() const { return ok() ? "" : std::get_if<1>(&state_)->message.c_str(); }
  std::variant<T, Error> state_;
};

template <>
class [[nodiscard]] Result<void> {
 public:
  Result() = default;
  Result(Error error) : error_(std::move(error)) {}  // NOLINT: implicit by design

  [[nodiscard]] bool ok() const { return !error_.has_value(); }
  explicit operator bool() const { return ok(); }
  const Error& error() const {
    WW_ASSERT(!ok(), "asked a success for its error");
    return *error_;
  }
  friend bool operator==(const Result&, const Result&) = default;

 private:
  std::optional<Error> error_;
};

}  // namespace ww
