// The last window on a fatal signal.
//
// A signal such as SIGTERM ends a program that has no listener for it at once, so the window being
// collected would be lost. While the program has no listener, our handler takes the signal, lets
// TypeScript write the window, and then lets the signal do what it would have done. A helper thread
// watches: if JavaScript does not get to it in time (blocked in native code), the signal goes
// through without. A program that spins in JavaScript is interrupted.
//
// When the program adds a listener, libuv's handler replaces ours and the program decides.
#ifndef SPANPROF_TERMINATION_H_
#define SPANPROF_TERMINATION_H_

#include <v8.h>

namespace spanprof {

// Main thread only; one per process, as signals are. `flush(signal)` runs on the main thread, must
// be synchronous, and answers what becomes of the signal (TERMINATION in src/native.ts).
bool StartTermination(v8::Isolate* isolate, v8::Local<v8::Context> context,
                      v8::Local<v8::Function> flush, int flush_cap_millis);
// Takes `signal` if nobody else has it. Again and again callable.
void ArmTermination(int signal);
void StopTermination();

}  // namespace spanprof

#endif  // SPANPROF_TERMINATION_H_
