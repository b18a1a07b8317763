// CPU and wall sampling of one isolate: V8's profiler takes the stacks, our signal handler notes at
// the same moment which scope runs and how much CPU the thread has used. The two are joined by time
// when a window is collected.
#ifndef SPANPROF_CPU_SAMPLER_H_
#define SPANPROF_CPU_SAMPLER_H_

#include <v8-profiler.h>
#include <v8.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "cpu_table.h"
#include "heap_allocs.h"
#include "slot.h"

namespace spanprof {

// What the handler notes about one signal. V8's sample of that signal is stamped between
// begin and end.
struct CpuTick {
  int64_t begin_nanos;
  int64_t end_nanos;
  int64_t thread_cpu_nanos;
  int32_t scope;
  bool in_collection;
};

enum class CpuStart { kStarted, kForeignProfiler, kFailed };

class CpuSampler {
 public:
  // `allocs` gets the stacks that it has asked V8's profiler for.
  CpuSampler(v8::Isolate* isolate, const Slot* slot, AllocRecorder* allocs)
      : isolate_(isolate), slot_(slot), allocs_(allocs) {}
  ~CpuSampler() { Stop(); }
  CpuSampler(const CpuSampler&) = delete;
  CpuSampler& operator=(const CpuSampler&) = delete;

  // Called from the signal handler around V8's own. Async-signal-safe, allocation-free.
  CpuTick BeginTick() const noexcept;
  void EndTick(CpuTick tick) noexcept;

  // Isolate's thread, outside of signals, from here on.
  // `tick_capacity`: signals that can be noted between two collections.
  CpuStart Start(int interval_micros, uint32_t tick_capacity);
  // Ends the running window and returns it; with `go_on` the next one begins where it ends.
  // Undefined if not running.
  v8::Local<v8::Value> Collect(v8::Local<v8::Context> context, bool go_on);
  // Ends without a result. Safe to call in any state.
  void Stop();
  bool running() const { return profiler_ != nullptr; }

  // Scope ids noted since the last look, each once; for keeping their labels alive.
  std::vector<int32_t> TakeSeenScopes();
  // The same since the last look by this call.
  std::vector<int32_t> TakeScopesToPin();
  // Scope id of every tick since the last call but those outside of all scopes: for bills.
  std::vector<int32_t> TakeSampledScopes();

 private:
  struct Joined {
    int64_t unsampled_cpu_nanos = 0;
    uint32_t matched = 0;  // signals with a stack
    uint32_t lost = 0;     // and without
  };

  // Joins the ticks before `end_nanos` with the stacks of a profile.
  Joined Join(const v8::CpuProfile* profile, int64_t end_nanos, CpuTable* table);
  bool BeginProfile();
  // Scope ids of the ticks from `*upto` on, each once.
  std::vector<int32_t> TakeScopesFrom(uint32_t* upto) const;
  void DropProfiler();

  v8::Isolate* const isolate_;
  const Slot* const slot_;
  AllocRecorder* const allocs_;
  v8::CpuProfiler* profiler_ = nullptr;
  v8::ProfilerId profile_id_ = 0;
  int interval_micros_ = 0;

  // Ring of ticks: written by the handler, read by the same thread outside of it.
  std::unique_ptr<CpuTick[]> ticks_;
  uint32_t capacity_ = 0;  // a power of two
  std::atomic<uint32_t> written_{0};
  std::atomic<uint32_t> read_{0};
  std::atomic<uint32_t> overflowed_{0};
  uint32_t seen_upto_ = 0;
  uint32_t pinned_upto_ = 0;
  uint32_t sampled_upto_ = 0;

  int64_t window_begin_nanos_ = 0;
  // Up to where wall and CPU time have been given to a sample.
  int64_t accounted_wall_nanos_ = 0;
  int64_t accounted_cpu_nanos_ = 0;
  // CPU seen at idle samples, not yet given to one that was busy, and since when it waits.
  int64_t waiting_cpu_nanos_ = 0;
  int64_t waiting_since_nanos_ = 0;
  // CPU of the start itself, for the first window.
  int64_t unsampled_cpu_nanos_ = 0;
};

}  // namespace spanprof

#endif  // SPANPROF_CPU_SAMPLER_H_
