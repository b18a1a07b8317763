#include "cpu_table.h"

#include "js.h"

namespace spanprof {

void CpuTable::Add(const v8::CpuProfileNode* node, int32_t scope, int64_t wall_nanos,
                   int64_t cpu_nanos) {
  auto [dealer, is_new_node] = lines_.try_emplace(node, node);
  const TotalKey key{frames_.NodeIndex(node), scope, dealer->second.Next()};
  auto [found, is_new] = total_index_.try_emplace(key, totals_.size());
  if (is_new) totals_.push_back({key});
  Total& total = totals_[found->second];
  total.count += 1;
  total.wall_nanos += static_cast<double>(wall_nanos);
  total.cpu_nanos += static_cast<double>(cpu_nanos);
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
  frames_.Set(isolate, &object);
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

bool CpuTable::TotalKey::operator==(const TotalKey& other) const {
  return node == other.node && scope == other.scope && line == other.line;
}

size_t CpuTable::TotalKeyHash::operator()(const TotalKey& key) const {
  return MixHash(MixHash(static_cast<size_t>(key.node), static_cast<size_t>(key.scope)),
             static_cast<size_t>(key.line));
}

}  // namespace spanprof
