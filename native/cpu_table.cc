#include "cpu_table.h"

#include "js.h"

namespace spanprof {

namespace {

inline size_t Mix(size_t seed, size_t value) {
  return seed ^ (value + 0x9e3779b97f4a7c15ULL + (seed << 6) + (seed >> 2));
}

}  // namespace

void CpuTable::Add(const v8::CpuProfileNode* node, int32_t scope, int64_t wall_nanos,
                   int64_t cpu_nanos) {
  auto [dealer, is_new_node] = lines_.try_emplace(node, node);
  const TotalKey key{NodeIndex(node), scope, dealer->second.Next()};
  auto [found, is_new] = total_index_.try_emplace(key, totals_.size());
  if (is_new) totals_.push_back({key});
  Total& total = totals_[found->second];
  total.count += 1;
  total.wall_nanos += static_cast<double>(wall_nanos);
  total.cpu_nanos += static_cast<double>(cpu_nanos);
}

int32_t CpuTable::NodeIndex(const v8::CpuProfileNode* node) {
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

int32_t CpuTable::FunctionIndex(const v8::CpuProfileNode* node) {
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

int32_t CpuTable::StringIndex(const char* string) {
  auto [found, is_new] = string_index_.try_emplace(string, static_cast<int32_t>(strings_.size()));
  if (is_new) strings_.emplace_back(string);
  return found->second;
}

v8::Local<v8::Object> CpuTable::ToObject(v8::Isolate* isolate,
                                         v8::Local<v8::Context> context) const {
  std::vector<int32_t> nodes, scopes, lines;
  std::vector<double> counts, walls, cpus;
  for (const Total& total : totals_) {
    nodes.push_back(total.key.node);
    scopes.push_back(total.key.scope);
    lines.push_back(total.key.line);
    counts.push_back(total.count);
    walls.push_back(total.wall_nanos);
    cpus.push_back(total.cpu_nanos);
  }
  js::ObjectBuilder object(isolate, context);
  object.Set("strings", js::StringArray(isolate, strings_));
  object.Set("functions", js::Int32s(isolate, functions_));
  object.Set("nodeParent", js::Int32s(isolate, node_parent_));
  object.Set("nodeFunction", js::Int32s(isolate, node_function_));
  object.Set("sampleNode", js::Int32s(isolate, nodes));
  object.Set("sampleScope", js::Int32s(isolate, scopes));
  object.Set("sampleLine", js::Int32s(isolate, lines));
  object.Set("sampleCount", js::Float64s(isolate, counts));
  object.Set("sampleWallNanos", js::Float64s(isolate, walls));
  object.Set("sampleCpuNanos", js::Float64s(isolate, cpus));
  return object.Done();
}

LineDealer::LineDealer(const v8::CpuProfileNode* node) : ticks_(node->GetHitLineCount()) {
  if (ticks_.empty() || !node->GetLineTicks(ticks_.data(), ticks_.size())) ticks_.clear();
  for (const auto& tick : ticks_) total_ += tick.hit_count;
}

int LineDealer::Next() {
  constexpr double kGoldenRatio = 0.6180339887498949;
  position_ += kGoldenRatio;
  position_ -= static_cast<int>(position_);
  double left = position_ * total_;
  for (const auto& tick : ticks_) {
    left -= tick.hit_count;
    if (left < 0) return tick.line;
  }
  return ticks_.empty() ? 0 : ticks_.back().line;
}

bool CpuTable::FunctionKey::operator==(const FunctionKey& other) const {
  return name == other.name && file == other.file && line == other.line && column == other.column;
}

size_t CpuTable::FunctionKeyHash::operator()(const FunctionKey& key) const {
  const size_t hash = Mix(reinterpret_cast<size_t>(key.name), reinterpret_cast<size_t>(key.file));
  return Mix(Mix(hash, static_cast<size_t>(key.line)), static_cast<size_t>(key.column));
}

bool CpuTable::TotalKey::operator==(const TotalKey& other) const {
  return node == other.node && scope == other.scope && line == other.line;
}

size_t CpuTable::TotalKeyHash::operator()(const TotalKey& key) const {
  return Mix(Mix(static_cast<size_t>(key.node), static_cast<size_t>(key.scope)),
             static_cast<size_t>(key.line));
}

}  // namespace spanprof
