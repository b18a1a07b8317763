#include "meter.h"

#include "clocks.h"
#include "gc_watch.h"
#include "js.h"

namespace spanprof {

namespace {

constexpr double kNanosPerMilli = 1e6;
constexpr int32_t kCollection = -1;
constexpr int32_t kOtherWork = -2;
constexpr size_t kNumbersPerEvent = 3;
// Read at least once a second: 32 GB/s at the default sampling interval, in 1.5 MiB.
constexpr size_t kMaxEvents = 65'536;

double ThreadCpuMillis() { return static_cast<double>(ThreadCpuNanos()) / kNanosPerMilli; }

}  // namespace

void Meter::Add(int32_t scope, double amount, double used_bytes) {
  int32_t* words = switcher_->words();
  if (events_.size() >= kMaxEvents * kNumbersPerEvent) {
    words[kLostEvents]++;
    return;
  }
  events_.insert(events_.end(), {static_cast<double>(scope), amount, used_bytes});
  words[kEvents]++;
}

// Collections nest (a full one may begin inside of a scavenge's epilogue): the outermost counts.
void Meter::OnGcStart(v8::Isolate* isolate, v8::GCType, v8::GCCallbackFlags, void* data) {
  auto* self = static_cast<Meter*>(data);
  if (self->gc_depth_++ > 0) return;
  v8::HeapStatistics heap;
  isolate->GetHeapStatistics(&heap);
  self->gc_used_bytes_ = static_cast<double>(heap.used_heap_size());
  self->switcher_->Pause();
  self->gc_begin_cpu_millis_ = ThreadCpuMillis();
}

void Meter::OnGcEnd(v8::Isolate*, v8::GCType type, v8::GCCallbackFlags, void* data) {
  auto* self = static_cast<Meter*>(data);
  // Started in the middle of one.
  if (self->gc_depth_ == 0 || --self->gc_depth_ > 0) return;
  const double cpu_millis = ThreadCpuMillis() - self->gc_begin_cpu_millis_;
  self->switcher_->Resume(cpu_millis);
  if (Collects(KindOf(type))) {
    self->Add(kCollection, cpu_millis, self->gc_used_bytes_);
  } else {
    self->Add(kOtherWork, cpu_millis, 0);
  }
}

void Meter::Start() {
  if (running_ || !switcher_->has_table()) return;
  running_ = true;
  gc_depth_ = 0;
  isolate_->AddGCPrologueCallback(&Meter::OnGcStart, this);
  isolate_->AddGCEpilogueCallback(&Meter::OnGcEnd, this);
}

void Meter::Stop() {
  if (!running_) return;
  running_ = false;
  isolate_->RemoveGCPrologueCallback(&Meter::OnGcStart, this);
  isolate_->RemoveGCEpilogueCallback(&Meter::OnGcEnd, this);
}

v8::Local<v8::Value> Meter::TakeEvents() {
  // Building the array allocates, and that may be sampled too: such an event is for next time.
  std::vector<double> taken;
  taken.swap(events_);
  if (switcher_->has_table()) switcher_->words()[kEvents] = 0;
  return js::Few<v8::Number>(isolate_, taken);
}

void Meter::ReadMemory() {
  v8::HeapStatistics heap;
  isolate_->GetHeapStatistics(&heap);
  switcher_->numbers()[kUsedHeapBytes] = static_cast<double>(heap.used_heap_size());
  switcher_->numbers()[kExternalBytes] = static_cast<double>(heap.external_memory());
}

}  // namespace spanprof
