#include "heap_sampler.h"

#include <v8-profiler.h>

#include <memory>
#include <unordered_map>
#include <vector>

#include "heap_table.h"
#include "js.h"

namespace spanprof {

HeapStart HeapSampler::Start(uint64_t interval_bytes, int stack_depth, bool labels,
                             uint32_t allocs_per_second) {
  if (StillOurs()) return labelled_ ? HeapStart::kLabelled : HeapStart::kUnlabelled;
  observer_.LookBefore();
  running_ = isolate_->GetHeapProfiler()->StartSamplingHeapProfiler(
      interval_bytes, stack_depth, v8::HeapProfiler::kSamplingNoFlags);
  if (!running_) return HeapStart::kBusy;
  interval_bytes_ = interval_bytes;
  observer_.FindSampler();
  // Attached also when no labels are wanted: it is how a foreign sampler is told from ours.
  const bool attached = observer_.Attach(interval_bytes);
  labelled_ = attached && labels;
  if (attached && allocs_per_second > 0) allocs_->Begin(interval_bytes, allocs_per_second);
  return labelled_ ? HeapStart::kLabelled : HeapStart::kUnlabelled;
}

bool HeapSampler::StillOurs() {
  if (running_ && !observer_.IsSamplerOurs()) {
    running_ = false;
    allocs_->End();
    observer_.Detach();
  }
  return running_;
}

void HeapSampler::Stop() {
  if (!StillOurs()) return;
  running_ = false;
  allocs_->End();
  observer_.Detach();
  isolate_->GetHeapProfiler()->StopSamplingHeapProfiler();
}

v8::Local<v8::Value> HeapSampler::Collect(v8::Local<v8::Context> context) {
  if (!StillOurs()) return v8::Undefined(isolate_);
  // Building the profile allocates, and that may be sampled too: such samples are for next time.
  const uint64_t upto = observer_.last_sample_id();
  std::unique_ptr<v8::AllocationProfile> profile(
      isolate_->GetHeapProfiler()->GetAllocationProfile());
  if (profile == nullptr) return v8::Undefined(isolate_);
  observer_.NoteCollections();
  HeapTable table(isolate_, interval_bytes_);
  table.Read(profile.get());
  const auto& samples = profile->GetSamples();
  for (const auto& sample : samples) {
    table.Add(sample, labelled_ ? observer_.ScopeOf(sample.sample_id) : kNoScope,
              observer_.IsKept(sample.sample_id), observer_.IsSettled(sample.sample_id));
  }
  observer_.Keep(samples, upto);
  return table.ToObject(context);
}

v8::Local<v8::Value> HeapSampler::LiveBytesByScope() {
  struct Bytes {
    double proven = 0;
    double unproven = 0;
  };
  std::unordered_map<int32_t, Bytes> by_scope;
  if (StillOurs() && labelled_) {
    observer_.NoteCollections();
    std::unique_ptr<v8::AllocationProfile> profile(
        isolate_->GetHeapProfiler()->GetAllocationProfile());
    if (profile == nullptr) return js::Float64s(isolate_, {});
    for (const auto& sample : profile->GetSamples()) {
      const int32_t scope = observer_.ScopeOf(sample.sample_id);
      if (scope == kNoScope) continue;
      const double bytes = static_cast<double>(sample.count) * static_cast<double>(sample.size);
      Bytes& sum = by_scope[scope];
      (observer_.IsProven(sample.sample_id) ? sum.proven : sum.unproven) += bytes;
    }
  }
  std::vector<double> flat;
  flat.reserve(by_scope.size() * 3);
  for (const auto& [scope, bytes] : by_scope) {
    flat.insert(flat.end(), {static_cast<double>(scope), bytes.proven, bytes.unproven});
  }
  return js::Float64s(isolate_, flat);
}

}  // namespace spanprof
