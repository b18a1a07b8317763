// What happened to the heap while bills are open, in order: sampled allocations with their scope, and
// garbage collections with their cost. TypeScript reads the list from time to time and shares it out.
#ifndef SPANPROF_METER_H_
#define SPANPROF_METER_H_

#include <v8.h>

#include <cstdint>
#include <vector>

#include "switcher.h"

namespace spanprof {

class Meter {
 public:
  Meter(v8::Isolate* isolate, Switcher* switcher) : isolate_(isolate), switcher_(switcher) {}
  ~Meter() { Stop(); }
  Meter(const Meter&) = delete;
  Meter& operator=(const Meter&) = delete;

  // The switcher's table must exist.
  void Start();
  void Stop();
  // One sampled allocation. In the middle of an allocation: must not touch V8's heap.
  void OnSample(int32_t scope, size_t bytes) {
    if (running_) Add(scope, static_cast<double>(bytes), 0);
  }
  // What happened since the last call, three numbers each: scope, bytes, 0 for a sampled allocation;
  // -1, the thread's CPU milliseconds, V8's used bytes at its beginning for a garbage collection;
  // -2, the CPU milliseconds, 0 for other work of the collector, which frees nothing.
  v8::Local<v8::Value> TakeEvents();
  // Writes V8's used and external bytes into the switcher's numbers.
  void ReadMemory();

 private:
  static void OnGcStart(v8::Isolate*, v8::GCType, v8::GCCallbackFlags, void* self);
  static void OnGcEnd(v8::Isolate*, v8::GCType, v8::GCCallbackFlags, void* self);
  void Add(int32_t scope, double amount, double used_bytes);

  v8::Isolate* const isolate_;
  Switcher* const switcher_;
  bool running_ = false;
  int gc_depth_ = 0;
  double gc_begin_cpu_millis_ = 0;
  double gc_used_bytes_ = 0;
  std::vector<double> events_;
};

}  // namespace spanprof

#endif  // SPANPROF_METER_H_
