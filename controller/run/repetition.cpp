#include "controller/run/repetition.hpp"

#include "base/assert.hpp"
#include "controller/cli/exit_codes.hpp"

namespace ww::run {

Result<Repetition> repeat(const RepetitionOptions& options,
                          const std::function<Result<Attempt>()>& once,
                          const std::function<void(const Repetition&, const Attempt&)>& seen) {
  WW_ASSERT(options.times > 0 || options.until_fail, "repeated for ever");
  Repetition out;
  while (options.times == 0 || out.runs < options.times) {
    const auto attempt = once();
    if (!attempt && out.runs == 0) return attempt.error();
    if (!attempt) {
      out.broken_off = attempt.error().message;
      out.exit_codes.push_back(cli::kExitEnvironment);
      break;
    }
    if (attempt->interrupted) {
      out.interrupted = true;
      break;
    }
    out.exit_codes.push_back(attempt->exit_code);
    if (!attempt->judged) {
      out.broken_off = attempt->cause;
      break;
    }
    ++out.runs;
    const bool failed = !attempt->signature.empty();
    const bool same =
        failed && (options.signature.empty() || attempt->signature == options.signature);
    out.same += same ? 1 : 0;
    out.others += failed && !same ? 1 : 0;
    seen(out, *attempt);
    if (same && options.until_fail) break;
  }
  return out;
}

}  // namespace ww::run
