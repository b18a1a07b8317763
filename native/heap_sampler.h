// Heap sampling of one isolate through V8's sampling heap profiler, with the scope of each sample.
#ifndef SPANPROF_HEAP_SAMPLER_H_
#define SPANPROF_HEAP_SAMPLER_H_

#include <v8.h>

#include <cstdint>
#include <vector>

#include "gc_watch.h"
#include "heap_observer.h"
#include "meter.h"
#include "slot.h"

namespace spanprof {

enum class HeapStart { kLabelled, kUnlabelled, kBusy };

class HeapSampler {
 public:
  HeapSampler(v8::Isolate* isolate, const Slot* slot, Meter* meter, const GcWatch* gc,
              AllocRecorder* allocs)
      : isolate_(isolate), allocs_(allocs), observer_(isolate, slot, meter, gc, allocs) {}
  ~HeapSampler() { Stop(); }
  HeapSampler(const HeapSampler&) = delete;
  HeapSampler& operator=(const HeapSampler&) = delete;

  // Isolate's thread. kBusy: someone else samples this isolate's heap; theirs is left alone.
  // `interval_bytes` must be odd for labels (see HeapObserver).
  // `allocs_per_second`: above 0 what is allocated is recorded too, with about so many stacks a second
  // at most; only done if V8 is built as we know it.
  HeapStart Start(uint64_t interval_bytes, int stack_depth, bool labels,
                  uint32_t allocs_per_second);
  // What is alive now; undefined if not running, or if another party ended the sampling.
  v8::Local<v8::Value> Collect(v8::Local<v8::Context> context);
  // Scope, bytes proven alive by a collection, and those that are not (survivors.h), in turn; empty
  // if not running or without labels.
  v8::Local<v8::Value> LiveBytesByScope();
  // Scopes noted since the last call.
  std::vector<int32_t> TakeSeenScopes() { return observer_.TakeSeenScopes(); }
  std::vector<int32_t> TakeScopesToPin() { return observer_.TakeScopesToPin(); }
  // Safe to call in any state; leaves another party's sampling alone. Must happen before the
  // isolate goes: V8 of Node 24 crashes on exit while sampling is on.
  void Stop();

 private:
  // False, and forgotten, if the sampling is not ours any more.
  bool StillOurs();

  v8::Isolate* const isolate_;
  AllocRecorder* const allocs_;
  HeapObserver observer_;
  uint64_t interval_bytes_ = 0;
  bool running_ = false;
  bool labelled_ = false;
};

}  // namespace spanprof

#endif  // SPANPROF_HEAP_SAMPLER_H_
