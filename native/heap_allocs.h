// What was allocated, whether it is still alive or not: every sample of V8's sampling heap profiler
// in the moment it is taken, with its size, its scope and its stack.
//
// V8 forgets a sample when its object dies. So at each of its samples (HeapObserver::OnStep) we ask
// V8's CPU profiler for the current stack: it goes into that profiler's own queue, without a touch
// of the JavaScript heap, and comes back as one of the samples of the window's CPU profile. The two
// are joined by time, as CPU ticks are. Reading the allocation profile before each collection would
// see the dead as well, but building it allocates in V8's heap, which Node 20 and 22 do not survive
// inside a collection.
//
// A stack costs 5 to 50 us of CPU on two threads, most where no two are alike; so their number is
// bounded (alloc_throttle.h). What is thinned out costs a reading of the clock.
#ifndef SPANPROF_HEAP_ALLOCS_H_
#define SPANPROF_HEAP_ALLOCS_H_

#include <v8.h>

#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "alloc_throttle.h"
#include "cpu_frames.h"

namespace spanprof {

// Totals by stack and scope.
class AllocTable {
 public:
  // `node` < 0: no stack.
  void Add(int32_t node, int32_t scope, double objects, double bytes);
  int32_t NodeIndex(const v8::CpuProfileNode* node) { return frames_.NodeIndex(node); }
  bool empty() const { return totals_.empty(); }
  // The columns that TypeScript gets: HeapColumns in src/native.ts.
  v8::Local<v8::Object> ToObject(v8::Isolate* isolate, v8::Local<v8::Context> context) const;

 private:
  struct Total {
    int32_t node;
    int32_t scope;
    double objects;
    double bytes;
  };
  CpuFrames frames_;
  std::unordered_map<uint64_t, size_t> total_index_;
  std::vector<Total> totals_;
};

// Thread of everything here: the isolate's, outside of signals. One per isolate.
class AllocRecorder {
 public:
  explicit AllocRecorder(v8::Isolate* isolate) : isolate_(isolate) {}
  AllocRecorder(const AllocRecorder&) = delete;
  AllocRecorder& operator=(const AllocRecorder&) = delete;

  // Called in the middle of an allocation: must not touch V8's heap.
  void Note(size_t size, int32_t scope) noexcept;

  // `per_second`: about so many records at most, from 1.
  void Begin(uint64_t interval_bytes, uint32_t per_second);
  void End();
  bool recording() const { return interval_bytes_ > 0; }

  // Takes the stacks of all records before `end_nanos` out of the samples of a CPU profile, which
  // are in the order of time.
  void Join(std::vector<StackSample>* samples, int64_t end_nanos);
  // What was joined since the last call: AllocWindow in src/native.ts. If there was no CPU profile
  // to join, all that was recorded has no stack. Undefined if not recording.
  v8::Local<v8::Value> Take(v8::Local<v8::Context> context);

 private:
  struct Record {
    int64_t begin_nanos;
    int64_t end_nanos;
    size_t size;
    int32_t scope;
    uint32_t weight;  // samples it stands for
  };
  // 8 MiB: half an hour of all that the default of 150 a second lets through.
  static constexpr size_t kMaxRecords = 262144;

  void Add(AllocTable* table, int32_t node, const Record& record);

  v8::Isolate* const isolate_;
  uint64_t interval_bytes_ = 0;
  AllocThrottle throttle_;
  std::vector<Record> records_;
  // One for each CPU profile since the last Take(): normally one.
  std::vector<AllocTable> tables_;
  bool joined_ = false;  // since the last Take()
  uint32_t samples_ = 0;
  uint32_t without_stack_ = 0;
  uint32_t thinned_ = 0;
  uint32_t overflowed_ = 0;
};

}  // namespace spanprof

#endif  // SPANPROF_HEAP_ALLOCS_H_
