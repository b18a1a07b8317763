#include "heap_table.h"

#include <utility>

#include "heap_scale.h"
#include "js.h"

namespace spanprof {

namespace {

using Node = v8::AllocationProfile::Node;

std::string Utf8(v8::Isolate* isolate, v8::Local<v8::String> string) {
  if (string.IsEmpty()) return {};
  v8::String::Utf8Value text(isolate, string);
  return *text == nullptr ? std::string() : std::string(*text, text.length());
}

uint64_t Pair(int32_t high, int32_t low) {
  return static_cast<uint64_t>(static_cast<uint32_t>(high)) << 32 | static_cast<uint32_t>(low);
}

}  // namespace

void HeapTable::Read(v8::AllocationProfile* profile) {
  // Callers before callees; without recursion, a stack may be as deep as the option allows. V8's
  // root is no frame.
  std::vector<std::pair<Node*, int32_t>> todo;
  for (Node* child : profile->GetRootNode()->children) todo.emplace_back(child, -1);
  while (!todo.empty()) {
    const auto [node, parent] = todo.back();
    todo.pop_back();
    const auto index = static_cast<int32_t>(node_parent_.size());
    node_parent_.push_back(parent);
    node_function_.push_back(FunctionOf(node));
    node_index_.emplace(node->node_id, index);
    for (Node* child : node->children) todo.emplace_back(child, index);
  }
}

void HeapTable::Add(const v8::AllocationProfile::Sample& sample, int32_t scope,
                    bool survived, bool settled) {
  auto node = node_index_.find(sample.node_id);
  if (node == node_index_.end()) return;  // V8's own, with no frame
  auto [found, is_new] = total_index_.try_emplace(Pair(node->second, scope), totals_.size());
  if (is_new) totals_.push_back({node->second, scope, 0, 0, 0, 0});
  Total& total = totals_[found->second];
  // V8's own count is rounded to whole objects, which is wrong by up to 30 % for sizes around the
  // interval.
  const double objects = ObjectsFor(sample.size, interval_bytes_);
  total.objects += objects;
  const double bytes = objects * static_cast<double>(sample.size);
  total.bytes += bytes;
  if (survived) total.survived_bytes += bytes;
  if (settled) total.settled_bytes += bytes;
}

int32_t HeapTable::FunctionOf(Node* node) {
  std::string name = Utf8(isolate_, node->name);
  std::string key = name + '\0' + std::to_string(node->script_id) + ':' +
                    std::to_string(node->start_position);
  const auto next = static_cast<int32_t>(functions_.size() / 4);
  auto [found, is_new] = function_index_.try_emplace(std::move(key), next);
  if (is_new) {
    functions_.insert(functions_.end(),
                      {String(std::move(name)), String(Utf8(isolate_, node->script_name)),
                       node->line_number, node->column_number});
  }
  return found->second;
}

int32_t HeapTable::String(std::string text) {
  const auto next = static_cast<int32_t>(strings_.size());
  auto [found, is_new] = string_index_.try_emplace(std::move(text), next);
  if (is_new) strings_.push_back(found->first);
  return found->second;
}

v8::Local<v8::Object> HeapTable::ToObject(v8::Local<v8::Context> context) const {
  std::vector<int32_t> nodes, scopes;
  std::vector<double> objects, bytes, survived_bytes, settled_bytes;
  for (const Total& total : totals_) {
    nodes.push_back(total.node);
    scopes.push_back(total.scope);
    objects.push_back(total.objects);
    bytes.push_back(total.bytes);
    survived_bytes.push_back(total.survived_bytes);
    settled_bytes.push_back(total.settled_bytes);
  }
  js::ObjectBuilder object(isolate_, context);
  object.Set("strings", js::StringArray(isolate_, strings_));
  object.Set("functions", js::Int32s(isolate_, functions_));
  object.Set("nodeParent", js::Int32s(isolate_, node_parent_));
  object.Set("nodeFunction", js::Int32s(isolate_, node_function_));
  object.Set("sampleNode", js::Int32s(isolate_, nodes));
  object.Set("sampleScope", js::Int32s(isolate_, scopes));
  object.Set("sampleObjects", js::Float64s(isolate_, objects));
  object.Set("sampleBytes", js::Float64s(isolate_, bytes));
  object.Set("sampleSurvivedBytes", js::Float64s(isolate_, survived_bytes));
  object.Set("sampleSettledBytes", js::Float64s(isolate_, settled_bytes));
  return object.Done();
}

}  // namespace spanprof
