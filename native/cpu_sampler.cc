#include "cpu_sampler.h"

#include <string.h>
#include <uv.h>

#include <algorithm>
#include <utility>
#include <unordered_map>

#include "clocks.h"
#include "cpu_table.h"
#include "js.h"
#include "sigprof.h"

namespace spanprof {

// ---- the signal side: runs inside SIGPROF, on the isolate's thread ----------------------------
// No allocation, no lock, no V8 call but the slot's read.

CpuTick CpuSampler::BeginTick() const noexcept {
  CpuTick tick;
  tick.scope = slot_->Read();
  tick.in_collection = slot_->InCollection();
  tick.thread_cpu_nanos = ThreadCpuNanos();
  tick.begin_nanos = MonotonicNanos();
  return tick;
}

void CpuSampler::EndTick(CpuTick tick) noexcept {
  tick.end_nanos = MonotonicNanos();
  const uint32_t at = written_.load(std::memory_order_relaxed);
  if (at - read_.load(std::memory_order_relaxed) >= capacity_) {
    overflowed_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  ticks_[at & (capacity_ - 1)] = tick;
  written_.store(at + 1, std::memory_order_release);
}

// ---- start and stop ----------------------------------------------------------------------------

CpuStart CpuSampler::Start(int interval_micros, uint32_t tick_capacity) {
  if (running() && interval_micros == interval_micros_) return CpuStart::kStarted;
  Stop();
  if (CurrentSigprofOwner() == SigprofOwner::kForeign) return CpuStart::kForeignProfiler;
  interval_micros_ = interval_micros;
  capacity_ = 1;
  while (capacity_ < tick_capacity) capacity_ *= 2;
  ticks_ = std::make_unique<CpuTick[]>(capacity_);
  written_ = read_ = overflowed_ = seen_upto_ = pinned_upto_ = sampled_upto_ = 0;
  waiting_cpu_nanos_ = 0;
  accounted_cpu_nanos_ = ThreadCpuNanos();
  window_begin_nanos_ = accounted_wall_nanos_ = waiting_since_nanos_ = MonotonicNanos();
  if (BeginProfile()) {
    // Starting made V8 log every function there is: that CPU time belongs to nobody.
    const int64_t cpu_nanos = ThreadCpuNanos();
    unsampled_cpu_nanos_ = cpu_nanos - accounted_cpu_nanos_;
    accounted_cpu_nanos_ = cpu_nanos;
    accounted_wall_nanos_ = waiting_since_nanos_ = MonotonicNanos();
    read_ = written_.load();
    return CpuStart::kStarted;
  }
  Stop();
  return CpuStart::kFailed;
}

namespace {

// V8 from 13 on aborts the process when its sampling thread cannot be created.
bool CanCreateThread() {
  uv_thread_t thread;
  return uv_thread_create(&thread, [](void*) {}, nullptr) == 0 && uv_thread_join(&thread) == 0;
}

}  // namespace

bool CpuSampler::BeginProfile() {
  if (profiler_ == nullptr) {
    if (!CanCreateThread()) return false;
    profiler_ = v8::CpuProfiler::New(isolate_, v8::kDebugNaming, v8::kLazyLogging);
    profiler_->SetSamplingInterval(interval_micros_);
    SetThreadSampler(this);
  }
  // Without a title: V8 keeps the title of every profile until the profiler is disposed.
  auto result = profiler_->Start(v8::CpuProfilingOptions(
      v8::kLeafNodeLineNumbers, v8::CpuProfilingOptions::kNoSampleLimit));
  if (result.status != v8::CpuProfilingStatus::kStarted) return false;
  profile_id_ = result.id;
  if (ChainSigprof()) return true;
  // A profiler must not be disposed of while it profiles.
  if (v8::CpuProfile* started = profiler_->Stop(profile_id_)) started->Delete();
  return false;
}

void CpuSampler::DropProfiler() {
  SetThreadSampler(nullptr);
  UnchainSigprof();
  profiler_->Dispose();
  profiler_ = nullptr;
}

void CpuSampler::Stop() {
  if (!running()) return;
  SetThreadSampler(nullptr);
  UnchainSigprof();
  v8::HandleScope handles(isolate_);
  if (v8::CpuProfile* profile = profiler_->Stop(profile_id_)) profile->Delete();
  profiler_->Dispose();
  profiler_ = nullptr;
  ticks_.reset();
  capacity_ = 0;
}

std::vector<int32_t> CpuSampler::TakeSeenScopes() { return TakeScopesFrom(&seen_upto_); }
std::vector<int32_t> CpuSampler::TakeScopesToPin() { return TakeScopesFrom(&pinned_upto_); }

std::vector<int32_t> CpuSampler::TakeScopesFrom(uint32_t* upto) const {
  std::vector<int32_t> scopes;
  if (!running()) return scopes;
  const uint32_t end = written_.load(std::memory_order_acquire);
  // What the ring does not hold any more is lost.
  if (end - *upto > capacity_) *upto = end - capacity_;
  for (; *upto != end; ++*upto) {
    const int32_t scope = ticks_[*upto & (capacity_ - 1)].scope;
    if (scope != kNoScope) scopes.push_back(scope);
  }
  std::sort(scopes.begin(), scopes.end());
  scopes.erase(std::unique(scopes.begin(), scopes.end()), scopes.end());
  return scopes;
}

std::vector<int32_t> CpuSampler::TakeSampledScopes() {
  std::vector<int32_t> scopes;
  if (!running()) return scopes;
  const uint32_t end = written_.load(std::memory_order_acquire);
  // What the ring does not hold any more is lost.
  if (end - sampled_upto_ > capacity_) sampled_upto_ = end - capacity_;
  for (; sampled_upto_ != end; sampled_upto_++) {
    const CpuTick& tick = ticks_[sampled_upto_ & (capacity_ - 1)];
    if (tick.scope != kNoScope && !tick.in_collection) scopes.push_back(tick.scope);
  }
  return scopes;
}

// ---- one window ----------------------------------------------------------------------------------

namespace {

// CPU seen while idle is given to the next busy sample (samples are an unbiased pick of who is
// busy), but not across a gap in which everything may have changed: that is reported as unsampled.
constexpr int64_t kMaxCpuWaitNanos = kNanosPerSecond;

// V8's clock is CLOCK_MONOTONIC in microseconds plus one (so that a moment is never 0).
constexpr int64_t kV8ClockAheadMicros = 1;

// V8 is known to get stuck feeding its profiles when one starts while another runs: signals keep
// coming and no sample appears. That many ticks without a single sample tell it apart from chance.
constexpr uint32_t kStuckTicks = 20;

// V8's samples by time. They come in order but for neighbours that overtook each other.
std::vector<StackSample> SamplesByTime(const v8::CpuProfile* profile) {
  std::vector<StackSample> samples;
  if (profile == nullptr) return samples;
  const int count = profile->GetSamplesCount();
  samples.reserve(static_cast<size_t>(count));
  for (int i = 0; i < count; i++) {
    const int64_t micros = profile->GetSampleTimestamp(i) - kV8ClockAheadMicros;
    samples.push_back({micros * kNanosPerMicro, profile->GetSample(i)});
  }
  std::stable_sort(samples.begin(), samples.end(),
                   [](const StackSample& a, const StackSample& b) { return a.nanos < b.nanos; });
  return samples;
}

bool IsIdle(const v8::CpuProfileNode* node) {
  return strcmp(node->GetFunctionNameStr(), "(idle)") == 0;
}

}  // namespace

v8::Local<v8::Value> CpuSampler::Collect(v8::Local<v8::Context> context, bool go_on) {
  if (!running()) return v8::Undefined(isolate_);
  const int64_t begin_nanos = window_begin_nanos_;
  const v8::ProfilerId ended_id = profile_id_;
  // The windows meet here: signals before belong to the ended one, later ones to the next, although
  // both V8 profiles run for the moment in between.
  const int64_t end_nanos = MonotonicNanos();
  const int64_t end_cpu_nanos = ThreadCpuNanos();
  const bool next_runs = go_on && BeginProfile();
  if (!next_runs) {
    SetThreadSampler(nullptr);
    UnchainSigprof();
  }
  v8::CpuProfile* profile = profiler_->Stop(ended_id);
  window_begin_nanos_ = end_nanos;

  CpuTable table;
  Joined joined = Join(profile, next_runs ? end_nanos : INT64_MAX, &table);
  if (!next_runs) {
    // The rest of the books: what was used since the last busy sample belongs to nobody known.
    joined.unsampled_cpu_nanos += waiting_cpu_nanos_ + end_cpu_nanos - accounted_cpu_nanos_;
  }
  const bool stuck = joined.matched == 0 && joined.lost >= kStuckTicks;
  const uint32_t overflowed = overflowed_.exchange(0);
  joined.unsampled_cpu_nanos += std::exchange(unsampled_cpu_nanos_, 0);
  if (next_runs && (stuck || overflowed > 0)) {
    // Who ran since the last tick that was noted is not known: the next one must not pay for it.
    joined.unsampled_cpu_nanos +=
        std::exchange(waiting_cpu_nanos_, 0) + end_cpu_nanos - accounted_cpu_nanos_;
    accounted_cpu_nanos_ = end_cpu_nanos;
    accounted_wall_nanos_ = waiting_since_nanos_ = end_nanos;
  }

  js::ObjectBuilder object(isolate_, context);
  object.Set("window", table.ToObject(isolate_, context));
  object.SetNumber("durationNanos", static_cast<double>(end_nanos - begin_nanos));
  object.SetNumber("unsampledCpuNanos", static_cast<double>(joined.unsampled_cpu_nanos));
  object.SetNumber("matchedTicks", joined.matched);
  object.SetNumber("lostTicks", joined.lost);
  object.SetNumber("overflowedTicks", overflowed);
  object.Set("stuck", v8::Boolean::New(isolate_, stuck));

  if (profile != nullptr) profile->Delete();
  if (!next_runs) {
    DropProfiler();
  } else if (stuck) {
    if (v8::CpuProfile* next = profiler_->Stop(profile_id_)) next->Delete();
    DropProfiler();
    BeginProfile();
  }
  return object.Done();
}

CpuSampler::Joined CpuSampler::Join(const v8::CpuProfile* profile, int64_t end_nanos,
                                    CpuTable* table) {
  Joined joined;
  std::vector<StackSample> samples = SamplesByTime(profile);
  allocs_->Join(&samples, end_nanos);
  std::unordered_map<const v8::CpuProfileNode*, bool> is_idle;
  auto sample = samples.begin();
  uint32_t at = read_.load(std::memory_order_relaxed);
  const uint32_t end = written_.load(std::memory_order_acquire);
  for (; at != end; at++) {
    const CpuTick& tick = ticks_[at & (capacity_ - 1)];
    if (tick.begin_nanos >= end_nanos) break;
    // V8 stamps in whole microseconds, rounded down.
    while (sample != samples.end() && sample->nanos + kNanosPerMicro <= tick.begin_nanos) ++sample;
    if (sample == samples.end() || sample->nanos > tick.end_nanos) {
      joined.lost++;  // its time goes to the next sample
      continue;
    }
    const v8::CpuProfileNode* node = sample->node;
    ++sample;
    joined.matched++;

    const int64_t wall_nanos = tick.begin_nanos - accounted_wall_nanos_;
    int64_t cpu_nanos = tick.thread_cpu_nanos - accounted_cpu_nanos_;
    accounted_wall_nanos_ = tick.begin_nanos;
    accounted_cpu_nanos_ = tick.thread_cpu_nanos;
    if (tick.begin_nanos - waiting_since_nanos_ > kMaxCpuWaitNanos) {
      joined.unsampled_cpu_nanos += waiting_cpu_nanos_;
      waiting_cpu_nanos_ = 0;
      waiting_since_nanos_ = tick.begin_nanos;
    }
    auto [idle, is_new] = is_idle.try_emplace(node, false);
    if (is_new) idle->second = IsIdle(node);
    if (idle->second) {
      waiting_cpu_nanos_ += cpu_nanos;
      table->Add(node, kNoScope, wall_nanos, 0);
    } else {
      table->Add(node, tick.scope, wall_nanos, cpu_nanos + waiting_cpu_nanos_);
      waiting_cpu_nanos_ = 0;
      waiting_since_nanos_ = tick.begin_nanos;
    }
  }
  read_.store(at, std::memory_order_release);
  if (static_cast<int32_t>(at - seen_upto_) > 0) seen_upto_ = at;
  return joined;
}

}  // namespace spanprof
