// Whose allocation was sampled: a look over the shoulder of V8's sampling heap profiler.
//
// V8 samples an allocation in the virtual function Step() of an observer object, and numbers the
// samples from 1 on. No released V8 lets us label them. So the observer's vptr is pointed at a copy
// of its vtable in which Step() first notes the running scope, then calls V8's own. No code is
// patched, nothing but one word of V8's heap-allocated observer is written, and it is put back.
//
// The observer is found by structure, not by offset: every step is checked, and TypeScript proves
// the result with allocations under known scopes before anything is published. Any doubt means no
// labels. A V8 with sample labels of its own (nodejs/node PR 62649) makes this file superfluous.
#ifndef SPANPROF_HEAP_OBSERVER_H_
#define SPANPROF_HEAP_OBSERVER_H_

#include <v8-profiler.h>
#include <v8.h>

#include <cstdint>
#include <memory>
#include <unordered_map>
#include <vector>

#include "gc_watch.h"
#include "heap_allocs.h"
#include "meter.h"
#include "slot.h"
#include "survivors.h"

namespace spanprof {

class HeapObserver {
 public:
  HeapObserver(v8::Isolate* isolate, const Slot* slot, Meter* meter, const GcWatch* gc,
               AllocRecorder* allocs)
      : isolate_(isolate), slot_(slot), meter_(meter), gc_(gc), allocs_(allocs) {}
  ~HeapObserver() { Detach(); }
  HeapObserver(const HeapObserver&) = delete;
  HeapObserver& operator=(const HeapObserver&) = delete;

  // All on the isolate's thread, outside of garbage collection.

  // Right before and right after V8's sampling starts: learns where V8 keeps its sampler, so that
  // it can be told later whether it is still the same one.
  void LookBefore();
  void FindSampler();
  // Finds the observer of the sampler that was started with `interval_bytes` and looks over its
  // shoulder. False: V8 is not built as we know it, and nothing was changed.
  bool Attach(uint64_t interval_bytes);
  // Puts V8's vptr back if its observer is still the one we found.
  void Detach();
  bool attached() const { return table_ != nullptr; }
  // Whether V8 still has the sampler that was found: another party may have ended it, and even
  // started its own. True if no sampler was found, as nothing else is known then.
  bool IsSamplerOurs() const;

  // Scope in which a sample was taken; kNoScope outside of all. Sample ids begin at 1.
  int32_t ScopeOf(uint64_t sample_id) const;
  // Highest sample id noted so far.
  uint64_t last_sample_id() const { return first_recent_ + recent_.size() - 1; }
  // Whether a collection has proven that a sample is alive; see `NoteCollections`.
  bool IsProven(uint64_t sample_id) const { return survivors_.IsProven(sample_id); }
  // Whether the last full collection has.
  bool IsSettled(uint64_t sample_id) const { return survivors_.IsSettled(sample_id); }
  // Brings both up to date; they need `GcWatch::Start`.
  void NoteCollections() { survivors_.Note(gc_->counts(), last_sample_id()); }
  // Whether a sample was there at the last `Keep`.
  bool IsKept(uint64_t sample_id) const { return sample_id < first_recent_; }
  // Forgets the samples up to `upto` but those in `live`.
  void Keep(const std::vector<v8::AllocationProfile::Sample>& live, uint64_t upto);
  // Scopes noted since the last call, each once.
  std::vector<int32_t> TakeSeenScopes() { return TakeScopesFrom(&seen_upto_); }
  // The same since the last look by this call.
  std::vector<int32_t> TakeScopesToPin() { return TakeScopesFrom(&pinned_upto_); }

 private:
  using Word = uintptr_t;
  // As much of V8's HeapProfiler as is looked at; the sampler's pointer is at word 9 or 13.
  static constexpr int kProfilerWords = 24;
  // As much of the sampler (37 words on all four Nodes).
  static constexpr size_t kSamplerWords = 64;
  // Offset-to-top and type info before the functions; V8's observer has four functions.
  static constexpr int kWordsBefore = 2;
  static constexpr int kFunctions = 4;
  static constexpr int kStep = 2;

  struct Table {
    HeapObserver* owner;
    Word words[kWordsBefore + kFunctions];
  };

  static void OnStep(void* observer, int bytes_allocated, Word address, size_t size);
  std::vector<int32_t> TakeScopesFrom(size_t* upto) const;
  Word* ProfilerWords() const;
  Word* FindObserver(uint64_t interval_bytes) const;

  v8::Isolate* const isolate_;
  const Slot* const slot_;
  Meter* const meter_;
  const GcWatch* const gc_;
  AllocRecorder* const allocs_;
  Word before_[kProfilerWords] = {};
  int profiler_words_ = 0;
  int sampler_at_ = -1;  // word of HeapProfiler that points to the sampler
  Word sampler_ = 0;      // 0: not found
  Word* observer_ = nullptr;
  Word original_vptr_ = 0;
  std::unique_ptr<Table> table_;

  // Scopes of samples: those since `Keep` by position, older ones that are alive by id.
  std::vector<int32_t> recent_;
  uint64_t first_recent_ = 1;
  size_t seen_upto_ = 0;
  size_t pinned_upto_ = 0;
  Survivors survivors_;
  std::unordered_map<uint64_t, int32_t> older_;
};

}  // namespace spanprof

#endif  // SPANPROF_HEAP_OBSERVER_H_
