// Stacks and totals of one CPU window as columns.
#ifndef SPANPROF_CPU_TABLE_H_
#define SPANPROF_CPU_TABLE_H_

#include <v8-profiler.h>
#include <v8.h>

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

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
  struct FunctionKey {
    const char* name;  // V8 keeps one copy of each string, so pointers identify them
    const char* file;
    int line;
    int column;
    bool operator==(const FunctionKey& other) const;
  };
  struct FunctionKeyHash {
    size_t operator()(const FunctionKey& key) const;
  };
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

  // Index of a node, callers first. Only nodes on the path of a sample are taken.
  int32_t NodeIndex(const v8::CpuProfileNode* node);
  int32_t FunctionIndex(const v8::CpuProfileNode* node);
  int32_t StringIndex(const char* string);

  std::unordered_map<const v8::CpuProfileNode*, int32_t> node_index_;
  std::unordered_map<FunctionKey, int32_t, FunctionKeyHash> function_index_;
  std::unordered_map<const char*, int32_t> string_index_;
  std::unordered_map<const v8::CpuProfileNode*, LineDealer> lines_;
  std::unordered_map<TotalKey, size_t, TotalKeyHash> total_index_;
  std::vector<std::string> strings_;
  std::vector<int32_t> functions_;  // name, file, line, column of each
  std::vector<int32_t> node_parent_;
  std::vector<int32_t> node_function_;
  std::vector<Total> totals_;
};

}  // namespace spanprof

#endif  // SPANPROF_CPU_TABLE_H_
