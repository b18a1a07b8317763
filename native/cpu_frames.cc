#include "cpu_frames.h"

namespace spanprof {

int32_t CpuFrames::NodeIndex(const v8::CpuProfileNode* node) {
  std::vector<const v8::CpuProfileNode*> path;
  int32_t index = -1;
  for (const v8::CpuProfileNode* at = node; at != nullptr; at = at->GetParent()) {
    if (auto found = node_index_.find(at); found != node_index_.end()) {
      index = found->second;
      break;
    }
    if (at->GetParent() == nullptr) break;  // V8's "(root)" is no frame
    path.push_back(at);
  }
  for (auto at = path.rbegin(); at != path.rend(); ++at) {
    node_parent_.push_back(index);
    node_function_.push_back(FunctionIndex(*at));
    index = static_cast<int32_t>(node_parent_.size()) - 1;
    node_index_.emplace(*at, index);
  }
  return index;
}

int32_t CpuFrames::FunctionIndex(const v8::CpuProfileNode* node) {
  const FunctionKey key{node->GetFunctionNameStr(), node->GetScriptResourceNameStr(),
                        node->GetLineNumber(), node->GetColumnNumber()};
  const auto next = static_cast<int32_t>(functions_.size() / 4);
  auto [found, is_new] = function_index_.try_emplace(key, next);
  if (is_new) {
    functions_.insert(functions_.end(),
                      {StringIndex(key.name), StringIndex(key.file), key.line, key.column});
  }
  return found->second;
}

int32_t CpuFrames::StringIndex(const char* string) {
  auto [found, is_new] = string_index_.try_emplace(string, static_cast<int32_t>(strings_.size()));
  if (is_new) strings_.emplace_back(string);
  return found->second;
}

void CpuFrames::Set(v8::Isolate* isolate, js::ObjectBuilder* object) const {
  object->Set("strings", js::StringArray(isolate, strings_));
  object->Set("functions", js::Int32s(isolate, functions_));
  object->Set("nodeParent", js::Int32s(isolate, node_parent_));
  object->Set("nodeFunction", js::Int32s(isolate, node_function_));
}

bool CpuFrames::FunctionKey::operator==(const FunctionKey& other) const {
  return name == other.name && file == other.file && line == other.line && column == other.column;
}

size_t CpuFrames::FunctionKeyHash::operator()(const FunctionKey& key) const {
  const size_t hash =
      MixHash(reinterpret_cast<size_t>(key.name), reinterpret_cast<size_t>(key.file));
  return MixHash(MixHash(hash, static_cast<size_t>(key.line)), static_cast<size_t>(key.column));
}

}  // namespace spanprof
