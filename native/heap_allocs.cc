#include "heap_allocs.h"

#include <v8-profiler.h>

#include <algorithm>
#include <utility>

#include "clocks.h"
#include "heap_scale.h"
#include "js.h"

namespace spanprof {

// ---- the hot side ------------------------------------------------------------------------------
// Called by V8 in the middle of an allocation, on the isolate's thread, once per sample. Must not
// touch V8's heap; malloc is allowed. CollectSample() walks the stack as V8's own heap sampling does
// right after it, and puts the addresses into a queue of its own. SIGPROF may strike in here: it
// takes another sample of the same stack, and which of the two is joined with which makes no
// difference.

void AllocRecorder::Note(size_t size, int32_t scope) noexcept {
  if (!recording()) return;
  if (records_.size() >= kMaxRecords) {
    overflowed_++;
    return;
  }
  const int64_t now_nanos = MonotonicNanos();
  const uint32_t weight = throttle_.Weigh(now_nanos);
  if (weight == 0) {
    thinned_++;
    return;
  }
  Record record{now_nanos, 0, size, scope, weight};
  v8::CpuProfiler::CollectSample(isolate_);
  record.end_nanos = MonotonicNanos();
  records_.push_back(record);
}

// ---- windows -----------------------------------------------------------------------------------

void AllocRecorder::Begin(uint64_t interval_bytes, uint32_t per_second) {
  End();
  interval_bytes_ = interval_bytes;
  throttle_.Begin(per_second, MonotonicNanos());
}

void AllocRecorder::End() {
  interval_bytes_ = 0;
  records_ = {};
  tables_.clear();
  samples_ = without_stack_ = thinned_ = overflowed_ = 0;
}

void AllocRecorder::Add(AllocTable* table, int32_t node, const Record& record) {
  samples_++;
  if (node < 0) without_stack_++;
  const double objects =
      record.weight * ObjectsFor(record.size, static_cast<double>(interval_bytes_));
  table->Add(node, record.scope, objects, objects * static_cast<double>(record.size));
}

void AllocRecorder::Join(std::vector<StackSample>* samples, int64_t end_nanos) {
  joined_ = true;
  if (records_.empty()) return;
  AllocTable table;
  std::vector<StackSample> others;
  others.reserve(samples->size());
  auto sample = samples->begin();
  auto record = records_.begin();
  for (; record != records_.end() && record->begin_nanos < end_nanos; ++record) {
    // V8 stamps in whole microseconds, rounded down.
    while (sample != samples->end() && sample->nanos + kNanosPerMicro <= record->begin_nanos) {
      others.push_back(*sample++);
    }
    if (sample == samples->end() || sample->nanos > record->end_nanos) {
      Add(&table, -1, *record);
    } else {
      Add(&table, table.NodeIndex(sample->node), *record);
      ++sample;
    }
  }
  others.insert(others.end(), sample, samples->end());
  *samples = std::move(others);
  records_.erase(records_.begin(), record);
  if (!table.empty()) tables_.push_back(std::move(table));
}

v8::Local<v8::Value> AllocRecorder::Take(v8::Local<v8::Context> context) {
  if (!recording()) return v8::Undefined(isolate_);
  if (!joined_) {
    std::vector<StackSample> none;
    Join(&none, INT64_MAX);
  }
  joined_ = false;
  // What follows allocates, and that may be recorded too: such records are for next time.
  const std::vector<AllocTable> tables = std::exchange(tables_, {});
  js::ObjectBuilder object(isolate_, context);
  object.SetNumber("samples", std::exchange(samples_, 0));
  object.SetNumber("withoutStack", std::exchange(without_stack_, 0));
  object.SetNumber("thinned", std::exchange(thinned_, 0));
  object.SetNumber("overflowed", std::exchange(overflowed_, 0));
  std::vector<v8::Local<v8::Value>> objects;
  for (const AllocTable& table : tables) objects.push_back(table.ToObject(isolate_, context));
  object.Set("tables", v8::Array::New(isolate_, objects.data(), objects.size()));
  return object.Done();
}

// ---- the table ---------------------------------------------------------------------------------

void AllocTable::Add(int32_t node, int32_t scope, double objects, double bytes) {
  const uint64_t key =
      static_cast<uint64_t>(static_cast<uint32_t>(node)) << 32 | static_cast<uint32_t>(scope);
  auto [found, is_new] = total_index_.try_emplace(key, totals_.size());
  if (is_new) totals_.push_back({node, scope, 0, 0});
  totals_[found->second].objects += objects;
  totals_[found->second].bytes += bytes;
}

v8::Local<v8::Object> AllocTable::ToObject(v8::Isolate* isolate,
                                           v8::Local<v8::Context> context) const {
  std::vector<int32_t> nodes, scopes;
  std::vector<double> objects, bytes;
  for (const Total& total : totals_) {
    nodes.push_back(total.node);
    scopes.push_back(total.scope);
    objects.push_back(total.objects);
    bytes.push_back(total.bytes);
  }
  js::ObjectBuilder object(isolate, context);
  frames_.Set(isolate, &object);
  object.Set("sampleNode", js::Int32s(isolate, nodes));
  object.Set("sampleScope", js::Int32s(isolate, scopes));
  object.Set("sampleObjects", js::Float64s(isolate, objects));
  object.Set("sampleBytes", js::Float64s(isolate, bytes));
  return object.Done();
}

}  // namespace spanprof
