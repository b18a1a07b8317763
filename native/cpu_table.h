// Stacks and totals of one CPU window as columns.
#ifndef SPANPROF_CPU_TABLE_H_
#define SPANPROF_CPU_TABLE_H_

#include <v8-profiler.h>
#include <v8.h>

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "cpu_frames.h"

namespace spanprof {

// V8 counts the lines on which a function was the leaf, but does not tell the line of each sample.
// So lines are dealt to a node's samples in proportion to those counts, in an order that no label
// can be in step with (multiples of the golden ratio): right by function, even by label.
class LineDealer {
 public:
  explicit LineDealer(const v8::CpuProfileNode* node);
  // The line of the next sample; 0 if V8 knows none.
  int Next();

 private:
  std::vector<v8::CpuProfileNode::LineTick> ticks_;
  double total_ = 0;
  double position_ = 0;
};

class CpuTable {
 public:
  // Adds one sample. The profile that `node` is part of must live until ToObject().
  void Add(const v8::CpuProfileNode* node, int32_t scope, int64_t wall_nanos, int64_t cpu_nanos);
  // The columns that TypeScript gets: CpuWindow in src/native.ts.
  v8::Local<v8::Object> ToObject(v8::Isolate* isolate, v8::Local<v8::Context> context) const;

 private:
  struct TotalKey {
    int32_t node;
    int32_t scope;
    int32_t line;
    bool operator==(const TotalKey& other) const;
  };
  struct TotalKeyHash {
    size_t operator()(const TotalKey& key) const;
  };
  struct Total {
    TotalKey key;
    double count = 0;
    double wall_nanos = 0;
    double cpu_nanos = 0;
  };

  CpuFrames frames_;
  std::unordered_map<const v8::CpuProfileNode*, LineDealer> lines_;
  std::unordered_map<TotalKey, size_t, TotalKeyHash> total_index_;
  std::vector<Total> totals_;
};

}  // namespace spanprof

#endif  // SPANPROF_CPU_TABLE_H_
