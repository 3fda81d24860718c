#include "workloads/watch.hpp"

namespace ww::workloads {

namespace {

RegisterOptions writers_options(const RegisterOptions& base) {
  RegisterOptions options;
  options.seed = base.seed;
  options.log_read_percent = base.log_read_percent;
  options.reader_percent = 0;
  options.read_percent = 20;
  options.write_percent = 55;
  options.active_keys = kWatchedKeys;
  options.ops_per_key = UINT32_MAX;
  options.infos_per_key = UINT32_MAX;
  return options;
}

}  // namespace

WatchGenerator::WatchGenerator(const RegisterOptions& options)
    : writers_(writers_options(options)) {}

std::optional<std::uint64_t> WatchGenerator::watched_key(std::uint32_t worker) const {
  if (worker % 5 == 1) return kEveryKey;
  if (worker % 5 == 3) return worker / 5 % kWatchedKeys;
  return std::nullopt;
}

Call WatchGenerator::next(std::uint32_t worker, std::uint64_t ordinal) {
  const auto key = watched_key(worker);
  if (!key) return writers_.next(worker, ordinal);
  Call call;
  call.key = *key;
  call.f = Func::kWatch;
  if (readers_.erase(worker) > 0) {
    call.f = Func::kRead;
    if (*key == kEveryKey) call.key = ordinal % kWatchedKeys;
  }
  return call;
}

Call WatchGenerator::closing_write(std::uint32_t worker, std::uint64_t ordinal, std::uint64_t key) {
  return writers_.closing_write(worker, ordinal, key);
}

/// A watcher's process has the number of its worker, since none of its ops is ever indeterminate.
void WatchGenerator::on_completion(const Op& op) {
  if (op.f != Func::kWatch) return writers_.on_completion(op);
  if (op.type == OpType::kFail && op.error == wire::name_of(wire::Refusal::kCompacted)) {
    readers_.insert(op.process);
  }
}

}  // namespace ww::workloads
