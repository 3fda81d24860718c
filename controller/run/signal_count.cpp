#include "controller/run/signal_count.hpp"

#include <signal.h>

namespace ww::run {

namespace {

volatile std::sig_atomic_t signals_seen = 0;

void count_signal(int number) {
  constexpr int kPatience = 3;
  signals_seen = signals_seen + 1;
  if (signals_seen < kPatience) return;
  ::signal(number, SIG_DFL);
  ::raise(number);
}

void listen(int number, struct sigaction& before) {
  struct sigaction action {};
  action.sa_handler = count_signal;
  ::sigemptyset(&action.sa_mask);
  ::sigaction(number, nullptr, &before);
  if (before.sa_handler != SIG_IGN) ::sigaction(number, &action, nullptr);
}

}  // namespace

SignalCount::SignalCount() {
  signals_seen = 0;
  listen(SIGINT, interrupt_);
  listen(SIGTERM, terminate_);
}

SignalCount::~SignalCount() {
  ::sigaction(SIGINT, &interrupt_, nullptr);
  ::sigaction(SIGTERM, &terminate_, nullptr);
}

int SignalCount::count() const {
  return signals_seen;
}

}  // namespace ww::run
