// Stacks of V8's CPU profiles as columns: FrameColumns in src/native.ts.
#ifndef SPANPROF_CPU_FRAMES_H_
#define SPANPROF_CPU_FRAMES_H_

#include <v8-profiler.h>

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "js.h"

namespace spanprof {

// A stack that V8 took, and when.
struct StackSample {
  int64_t nanos;
  const v8::CpuProfileNode* node;
};

class CpuFrames {
 public:
  // Index of a node of the profile, callers first; -1 for V8's root. Only nodes on the path of a
  // sample are taken. The profile must live until the last call; what was taken outlives it.
  int32_t NodeIndex(const v8::CpuProfileNode* node);
  // Adds the columns to an object.
  void Set(v8::Isolate* isolate, js::ObjectBuilder* object) const;

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

  int32_t FunctionIndex(const v8::CpuProfileNode* node);
  int32_t StringIndex(const char* string);

  std::unordered_map<const v8::CpuProfileNode*, int32_t> node_index_;
  std::unordered_map<FunctionKey, int32_t, FunctionKeyHash> function_index_;
  std::unordered_map<const char*, int32_t> string_index_;
  std::vector<std::string> strings_;
  std::vector<int32_t> functions_;  // name, file, line, column of each
  std::vector<int32_t> node_parent_;
  std::vector<int32_t> node_function_;
};

inline size_t MixHash(size_t seed, size_t value) {
  return seed ^ (value + 0x9e3779b97f4a7c15ULL + (seed << 6) + (seed >> 2));
}

}  // namespace spanprof

#endif  // SPANPROF_CPU_FRAMES_H_
