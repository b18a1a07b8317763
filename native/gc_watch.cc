#include "gc_watch.h"

#include <algorithm>
#include <utility>

#include "clocks.h"
#include "js.h"

namespace spanprof {

GcKind KindOf(v8::GCType type) {
  // The second bit has changed its name, not its meaning, between the versions.
  constexpr int kMinorMarkSweepBit = 1 << 1;
  if (type & v8::kGCTypeScavenge) return GcKind::kScavenge;
  if (type & kMinorMarkSweepBit) return GcKind::kMinorMarkSweep;
  if (type & v8::kGCTypeMarkSweepCompact) return GcKind::kMarkSweep;
  if (type & v8::kGCTypeIncrementalMarking) return GcKind::kIncremental;
  return GcKind::kWeak;
}

// ---- the hot side ------------------------------------------------------------------------------
// Called by V8 right before and right after a collection, on the isolate's thread, with the world
// stopped. Must not touch V8's heap but for its statistics (some 300 ns, no handle, no allocation);
// malloc is allowed.

void GcWatch::OnBegin(v8::Isolate*, v8::GCType type, v8::GCCallbackFlags, void* data) {
  auto* self = static_cast<GcWatch*>(data);
  if (self->depth_++ > 0) return;
  const size_t used = self->UsedBytes();
  self->current_ = {MonotonicNanos(), 0, used, 0, KindOf(type)};
  // A moment before both of two highs sees only the higher one, so what stays is a falling row.
  auto& highs = self->highs_;
  while (!highs.empty() && highs.back().bytes <= used) highs.pop_back();
  if (highs.size() >= kMaxHighs) highs.erase(highs.begin());
  highs.push_back({self->collections_, used});
  self->collections_++;
}

void GcWatch::OnEnd(v8::Isolate*, v8::GCType, v8::GCCallbackFlags, void* data) {
  auto* self = static_cast<GcWatch*>(data);
  if (self->depth_ == 0 || --self->depth_ > 0) return;
  Pause& pause = self->current_;
  pause.duration_nanos = MonotonicNanos() - pause.begin_nanos;
  pause.after_bytes = self->UsedBytes();
  self->Count(pause);
  Total& total = self->totals_[static_cast<size_t>(pause.kind)];
  total.count++;
  total.nanos += pause.duration_nanos;
  total.longest_nanos = std::max(total.longest_nanos, pause.duration_nanos);
  if (self->pauses_.size() < kMaxPauses) {
    self->pauses_.push_back(pause);
  } else {
    self->unlisted_++;
  }
}

void GcWatch::Count(const Pause& pause) {
  if (pause.kind == GcKind::kIncremental) {
    counts_.markings++;
    counts_.is_marking = true;
    marking_nanos_ = pause.begin_nanos;
  } else if (Collects(pause.kind)) {
    counts_.collections++;
    if (pause.kind != GcKind::kMarkSweep) return;
    counts_.full++;
    counts_.is_marking = false;
    settled_nanos_ = marking_nanos_ == 0 ? pause.begin_nanos : marking_nanos_;
    marking_nanos_ = 0;
  }
}

size_t GcWatch::UsedBytes() const {
  v8::HeapStatistics statistics;
  isolate_->GetHeapStatistics(&statistics);
  return statistics.used_heap_size();
}

// ---- the other side ----------------------------------------------------------------------------

void GcWatch::Start() {
  if (running_) return;
  running_ = true;
  depth_ = 0;
  isolate_->AddGCPrologueCallback(&GcWatch::OnBegin, this);
  isolate_->AddGCEpilogueCallback(&GcWatch::OnEnd, this);
}

void GcWatch::Stop() {
  if (!running_) return;
  running_ = false;
  isolate_->RemoveGCPrologueCallback(&GcWatch::OnBegin, this);
  isolate_->RemoveGCEpilogueCallback(&GcWatch::OnEnd, this);
  pauses_ = {};
  highs_ = {};
  totals_ = {};
  unlisted_ = 0;
}

void GcWatch::BeginMarking() {
  if (running_) isolate_->MemoryPressureNotification(v8::MemoryPressureLevel::kModerate);
}

size_t GcWatch::HighestSince(uint64_t mark) const {
  const size_t now = UsedBytes();
  auto first = std::lower_bound(
      highs_.begin(), highs_.end(), mark,
      [](const High& high, uint64_t moment) { return high.collection < moment; });
  return first == highs_.end() ? now : std::max(now, first->bytes);
}

v8::Local<v8::Value> GcWatch::Take(v8::Local<v8::Context> context) {
  if (!running_) return v8::Undefined(isolate_);
  // What follows allocates, and a collection may come of it: that one is for next time.
  const std::vector<Pause> pauses = std::exchange(pauses_, {});
  const auto totals = std::exchange(totals_, {});
  const uint32_t unlisted = std::exchange(unlisted_, 0);
  std::vector<double> listed, summed;
  for (const Pause& pause : pauses) {
    listed.insert(listed.end(), {static_cast<double>(pause.kind),
                                 static_cast<double>(pause.begin_nanos),
                                 static_cast<double>(pause.duration_nanos),
                                 static_cast<double>(pause.before_bytes),
                                 static_cast<double>(pause.after_bytes)});
  }
  for (const Total& total : totals) {
    summed.insert(summed.end(),
                  {static_cast<double>(total.count), static_cast<double>(total.nanos),
                   static_cast<double>(total.longest_nanos)});
  }
  js::ObjectBuilder object(isolate_, context);
  object.Set("pauses", js::Float64s(isolate_, listed));
  object.Set("totals", js::Float64s(isolate_, summed));
  object.SetNumber("unlisted", unlisted);
  object.SetNumber("settledNanos", static_cast<double>(settled_nanos_));
  return object.Done();
}

}  // namespace spanprof
