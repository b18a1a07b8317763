// Clocks. All functions are async-signal-safe and callable from any thread.
#ifndef SPANPROF_CLOCKS_H_
#define SPANPROF_CLOCKS_H_

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cstdint>

namespace spanprof {

constexpr int64_t kNanosPerSecond = 1'000'000'000;
constexpr int64_t kNanosPerMicro = 1'000;

inline int64_t ReadClockNanos(clockid_t clock) {
  timespec t;
  if (clock_gettime(clock, &t) != 0) return 0;
  return t.tv_sec * kNanosPerSecond + t.tv_nsec;
}

// The clock V8 stamps its CPU samples with (in microseconds), and `performance.now()`.
inline int64_t MonotonicNanos() { return ReadClockNanos(CLOCK_MONOTONIC); }
// CPU time of the calling thread: 350-470 ns a read, it is a system call.
inline int64_t ThreadCpuNanos() { return ReadClockNanos(CLOCK_THREAD_CPUTIME_ID); }
// CPU time of all threads of the process, ended ones included.
inline int64_t ProcessCpuNanos() { return ReadClockNanos(CLOCK_PROCESS_CPUTIME_ID); }

inline pid_t CurrentThreadId() { return static_cast<pid_t>(syscall(SYS_gettid)); }

// The CPU clock of another thread of this process. Linux encodes the thread id in the clock id;
// pthread_getcpuclockid() does the same, but asks for glibc 2.34, newer than Node 20's own floor.
inline clockid_t ThreadCpuClock(pid_t thread_id) {
  constexpr clockid_t kPerThread = 4, kScheduler = 2;
  return ((~static_cast<clockid_t>(thread_id)) << 3) | kPerThread | kScheduler;
}

}  // namespace spanprof

#endif  // SPANPROF_CLOCKS_H_
