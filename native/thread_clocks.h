// CPU time of all JavaScript threads of the process, ended ones included, so that what is left of
// the process's CPU time can be told: the garbage collector's helpers, the compiler, libuv's pool.
#ifndef SPANPROF_THREAD_CLOCKS_H_
#define SPANPROF_THREAD_CLOCKS_H_

#include <cstdint>

namespace spanprof {

// Calling thread: counts from its birth on.
void RegisterThreadClock();
// Calling thread: what it has used until now stays counted, what it uses from now on does not.
void UnregisterThreadClock();
// Any thread.
int64_t AllThreadClocksNanos();

}  // namespace spanprof

#endif  // SPANPROF_THREAD_CLOCKS_H_
