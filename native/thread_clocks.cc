#include "thread_clocks.h"

#include <algorithm>
#include <mutex>
#include <vector>

#include "clocks.h"

namespace spanprof {

namespace {
// Process-wide: the sum is over all isolates.
std::mutex mutex;
std::vector<pid_t> live_threads;
int64_t ended_nanos = 0;
}  // namespace

void RegisterThreadClock() {
  std::lock_guard<std::mutex> lock(mutex);
  const pid_t self = CurrentThreadId();
  if (std::find(live_threads.begin(), live_threads.end(), self) == live_threads.end()) {
    live_threads.push_back(self);
  }
}

void UnregisterThreadClock() {
  std::lock_guard<std::mutex> lock(mutex);
  auto found = std::find(live_threads.begin(), live_threads.end(), CurrentThreadId());
  if (found == live_threads.end()) return;
  live_threads.erase(found);
  ended_nanos += ThreadCpuNanos();
}

int64_t AllThreadClocksNanos() {
  std::lock_guard<std::mutex> lock(mutex);
  int64_t sum = ended_nanos;
  for (pid_t thread : live_threads) sum += ReadClockNanos(ThreadCpuClock(thread));
  return sum;
}

}  // namespace spanprof
