// What a decider may spend, and what it answers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>

namespace ww::checkers {

enum class Answer : std::uint8_t {
  kLinearizable,
  kNot,
  kUndecided,      // out of budget
  kNotApplicable,  // the decider does not handle such ops
};

/// Counts steps and bytes. A step is one configuration looked at.
class Budget {
 public:
  Budget(std::uint64_t steps, std::size_t bytes, const std::function<bool()>* expired = nullptr)
      : steps_left_(steps), max_bytes_(bytes), expired_(expired) {}

  /// Pays for one step that happens while `bytes` are held; false when that is too much.
  bool spend(std::size_t bytes) {
    if (exhausted_ || steps_left_ == 0 || bytes > max_bytes_) {
      exhausted_ = true;
      return false;
    }
    --steps_left_;
    if ((++spent_ & kAskMask) == 0 && expired_ != nullptr && *expired_ && (*expired_)()) {
      exhausted_ = expired_now_ = true;
      return false;
    }
    return true;
  }
  [[nodiscard]] bool exhausted() const { return exhausted_; }
  [[nodiscard]] std::uint64_t spent() const { return spent_; }
  [[nodiscard]] std::uint64_t steps_left() const { return exhausted_ ? 0 : steps_left_; }
  [[nodiscard]] std::size_t max_bytes() const { return max_bytes_; }

  /// A budget of at most `steps` out of this one; give it back with `absorb`.
  [[nodiscard]] Budget portion(std::uint64_t steps) const {
    return Budget(steps < steps_left() ? steps : steps_left(), max_bytes_, expired_);
  }
  void absorb(const Budget& part) {
    spent_ += part.spent_;
    steps_left_ -= part.spent_ < steps_left_ ? part.spent_ : steps_left_;
    if (part.expired_now_) exhausted_ = expired_now_ = true;
  }

 private:
  static constexpr std::uint64_t kAskMask = 4095;
  std::uint64_t steps_left_;
  std::size_t max_bytes_;
  const std::function<bool()>* expired_;
  std::uint64_t spent_ = 0;
  bool exhausted_ = false;
  bool expired_now_ = false;  // the outer guard said so: no other portion is to be tried
};

/// The stretch of time in which a decider got stuck; empty when it did not.
struct Window {
  std::int64_t from = 0;
  std::int64_t to = 0;
  std::size_t open_ops = 0;  // ops in flight there
};

}  // namespace ww::checkers
