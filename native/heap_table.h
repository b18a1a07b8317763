// Stacks and totals of heap samples as columns.
#ifndef SPANPROF_HEAP_TABLE_H_
#define SPANPROF_HEAP_TABLE_H_

#include <v8-profiler.h>
#include <v8.h>

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

namespace spanprof {

class HeapTable {
 public:
  // `interval_bytes`: of the sampling.
  HeapTable(v8::Isolate* isolate, uint64_t interval_bytes)
      : isolate_(isolate), interval_bytes_(static_cast<double>(interval_bytes)) {}

  // Takes the stacks of a profile, which must live until the last Add().
  void Read(v8::AllocationProfile* profile);
  // Adds one of its samples. `survived`: it was there already the last time; `settled`: it is older
  // than the last full collection.
  void Add(const v8::AllocationProfile::Sample& sample, int32_t scope, bool survived, bool settled);
  // The columns that TypeScript gets: LiveColumns in src/native.ts.
  v8::Local<v8::Object> ToObject(v8::Local<v8::Context> context) const;

 private:
  struct Total {
    int32_t node;
    int32_t scope;
    double objects;
    double bytes;
    double survived_bytes;
    double settled_bytes;
  };

  int32_t FunctionOf(v8::AllocationProfile::Node* node);
  int32_t String(std::string text);

  v8::Isolate* const isolate_;
  const double interval_bytes_;
  std::unordered_map<uint32_t, int32_t> node_index_;  // by V8's node id
  std::vector<int32_t> node_parent_;
  std::vector<int32_t> node_function_;
  std::unordered_map<std::string, int32_t> function_index_;
  std::vector<int32_t> functions_;  // name, file, line, column of each
  std::unordered_map<std::string, int32_t> string_index_;
  std::vector<std::string> strings_;
  std::unordered_map<uint64_t, size_t> total_index_;
  std::vector<Total> totals_;
};

}  // namespace spanprof

#endif  // SPANPROF_HEAP_TABLE_H_
