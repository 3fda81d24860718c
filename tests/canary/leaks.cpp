#include "tests/canary/leaks.hpp"

#include <fcntl.h>
#include <immintrin.h>
#include <sched.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>
#include <x86intrin.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <random>
#include <thread>

namespace ww::canary {

namespace {

// What was read has to go somewhere, or the compiler leaves the reading out.
volatile unsigned long long sink = 0;

template <class T>
void keep(T value) {
  sink = static_cast<unsigned long long>(value);
}

void ask(clockid_t clock) {
  timespec t{};
  keep(clock_gettime(clock, &t));
}

const Leak kLeaks[] = {
    // Through the vDSO, whose data is gone.
    {"steady_clock", SIGSEGV,
     [] { keep(std::chrono::steady_clock::now().time_since_epoch().count()); }},
    {"system_clock", SIGSEGV,
     [] { keep(std::chrono::system_clock::now().time_since_epoch().count()); }},
    {"the coarse monotonic clock", SIGSEGV, [] { ask(CLOCK_MONOTONIC_COARSE); }},
    {"the coarse wall clock", SIGSEGV, [] { ask(CLOCK_REALTIME_COARSE); }},
    {"time()", SIGSEGV, [] { keep(time(nullptr)); }},
    {"gettimeofday()", SIGSEGV,
     [] {
       timeval t{};
       keep(gettimeofday(&t, nullptr));
     }},
    // Through the processor.
    {"rdtsc", SIGSEGV, [] { keep(__rdtsc()); }},
    {"rdtscp", SIGSEGV,
     [] {
       unsigned processor = 0;
       keep(__rdtscp(&processor));
     }},
    // Through the kernel.
    {"a clock by system call", SIGSYS,
     [] {
       timespec t{};
       keep(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &t));
     }},
    {"a coarse clock by system call", SIGSYS,
     [] {
       timespec t{};
       keep(syscall(SYS_clock_gettime, CLOCK_MONOTONIC_COARSE, &t));
     }},
    {"time by system call", SIGSYS, [] { keep(syscall(SYS_time, nullptr)); }},
    {"the processor's time used", SIGSYS, [] { ask(CLOCK_PROCESS_CPUTIME_ID); }},
    {"a sleep", SIGSYS, [] { keep(usleep(1)); }},
    {"getrandom()", SIGSYS,
     [] {
       char byte = 0;
       keep(getrandom(&byte, 1, 0));
     }},
    {"/dev/urandom", SIGSYS, [] { keep(open("/dev/urandom", O_RDONLY)); }},
    {"/dev/urandom as a stream", SIGSYS, [] { keep(std::fopen("/dev/urandom", "r") != nullptr); }},
    {"std::random_device of /dev/urandom", SIGSYS,
     [] { keep(std::random_device("/dev/urandom")()); }},
    {"a file elsewhere", SIGSYS, [] { keep(open("/etc/hostname", O_RDONLY)); }},
    {"a thread", SIGSYS, [] { std::thread([] {}).join(); }},
    {"a child", SIGSYS, [] { keep(fork()); }},
    {"getpid()", SIGSYS, [] { keep(getpid()); }},
    {"getppid()", SIGSYS, [] { keep(getppid()); }},
    {"a socket", SIGSYS, [] { keep(socket(AF_INET, SOCK_DGRAM, 0)); }},
};

}  // namespace

std::span<const Leak> all_leaks() {
  return kLeaks;
}

__attribute__((target("rdrnd,rdseed,rdpid"))) unsigned long long unstoppable() {
  unsigned long long random = 0;
  unsigned long long seed = 0;
  keep(_rdrand64_step(&random));
  keep(_rdseed64_step(&seed));
  keep(_rdpid_u32());
  struct stat status {};
  keep(stat(".", &status));
  return random ^ seed ^ getauxval(AT_RANDOM) ^ static_cast<unsigned long long>(sched_getcpu()) ^
         static_cast<unsigned long long>(status.st_mtime) ^ std::random_device()();
}

}  // namespace ww::canary
