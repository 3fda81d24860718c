#include "controller/run/divergence.hpp"

namespace ww::run {

namespace {

constexpr const char* kNoMore = "(no more events)";

Result<Fingerprint> repeat_with_window(const Repeat& repeat, const Window& window,
                                       const Fingerprint& expected, const char* which) {
  RunOptions options;
  options.fingerprint = true;
  options.window = window;
  auto run = repeat(options);
  if (!run) return run.error();
  if (!(run->fingerprint == expected)) {
    return Error{
        ErrorCode::kInternal, true,
        std::string("the ") + which + " run does not repeat itself: " + hex(expected.hash) +
            " after " + std::to_string(expected.events) + " events, then " +
            hex(run->fingerprint.hash) + " after " + std::to_string(run->fingerprint.events)};
  }
  return std::move(run->fingerprint);
}

}  // namespace

Result<std::optional<Divergence>> find_divergence(const Fingerprint& a, const Fingerprint& b,
                                                  const Repeat& first, const Repeat& second) {
  if (a == b) return std::optional<Divergence>{};
  const Window window = first_difference(a, b);
  auto left = repeat_with_window(first, window, a, "first");
  if (!left) return left.error();
  auto right = repeat_with_window(second, window, b, "second");
  if (!right) return right.error();
  const auto& x = left->window;
  const auto& y = right->window;
  std::size_t i = 0;
  while (i < x.size() && i < y.size() && x[i] == y[i]) ++i;
  return std::optional<Divergence>(
      Divergence{window.first + i, i < x.size() ? x[i] : kNoMore, i < y.size() ? y[i] : kNoMore});
}

std::string describe(const Divergence& divergence) {
  return "event " + std::to_string(divergence.event) + " is the first that differs:\n  one    " +
         divergence.first + "\n  other  " + divergence.second;
}

}  // namespace ww::run
