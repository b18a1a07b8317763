#include "weak_scopes.h"

#include <algorithm>
#include <utility>

namespace spanprof {

namespace {

// With each new batch: all there are have been looked at before a third more have come.
constexpr int kSweptPerBatch = 4;

}  // namespace

void WeakScopes::Add(int32_t id, v8::Local<v8::Object> scope) {
  if (incoming_.capacity() == 0 && !spare_.empty()) {
    incoming_ = std::move(spare_.back());
    spare_.pop_back();
  }
  // Growing would move handles one by one through V8.
  incoming_.reserve(kBatchIds);
  incoming_.emplace_back(id, isolate_, scope);
}

size_t WeakScopes::Seal() {
  if (incoming_.empty()) return 0;
  newest_ = incoming_.front().id / kBatchIds;
  Batch& batch = batches_[newest_];
  // Ids have begun anew, and some of the old batch live: their ids were left out of the new one.
  for (Held& held : batch) {
    if (!held.scope.IsEmpty()) incoming_.push_back(std::move(held));
  }
  if (!batch.empty()) {
    std::sort(incoming_.begin(), incoming_.end(),
              [](const Held& a, const Held& b) { return a.id < b.id; });
  }
  places_ += incoming_.size() - batch.size();
  batch = std::move(incoming_);
  incoming_ = Batch();

  Batches::iterator at = batches_.lower_bound(next_swept_);
  for (int i = 0; i < kSweptPerBatch; i++) {
    if (at == batches_.end()) at = batches_.begin();
    at = SweepOne(at);
    if (batches_.empty()) break;
  }
  next_swept_ = at == batches_.end() ? 0 : at->first;

  size_t evicted = 0;
  while (places_ > kMaxHandles) {
    Batches::iterator oldest = Oldest();
    for (const Held& held : oldest->second) evicted += held.scope.IsEmpty() ? 0 : 1;
    Erase(oldest);
  }
  return evicted;
}

v8::Local<v8::Object> WeakScopes::Find(int32_t id) {
  Held* held = FindHeld(id);
  return held == nullptr ? v8::Local<v8::Object>() : held->scope.Get(isolate_);
}

WeakScopes::Held* WeakScopes::FindHeld(int32_t id) {
  const auto at = batches_.find(id / kBatchIds);
  if (at == batches_.end()) return nullptr;
  Batch& batch = at->second;
  const auto held =
      std::lower_bound(batch.begin(), batch.end(), id,
                       [](const Held& one, int32_t wanted) { return one.id < wanted; });
  if (held == batch.end() || held->id != id || held->scope.IsEmpty()) return nullptr;
  return &*held;
}

void WeakScopes::Pin(const std::vector<int32_t>& ids) {
  for (const int32_t id : ids) {
    Held* held = FindHeld(id);
    if (held == nullptr || !held->scope.IsWeak()) continue;
    held->scope.ClearWeak();
    pinned_.push_back(id);
  }
}

void WeakScopes::Unpin() {
  for (const int32_t id : pinned_) {
    Held* held = FindHeld(id);
    if (held != nullptr) held->scope.SetWeak();
  }
  pinned_.clear();
}

void WeakScopes::Sweep() {
  for (Batches::iterator at = batches_.begin(); at != batches_.end();) at = SweepOne(at);
}

WeakScopes::Batches::iterator WeakScopes::SweepOne(Batches::iterator at) {
  Batch& batch = at->second;
  const auto living = static_cast<size_t>(std::count_if(
      batch.begin(), batch.end(), [](const Held& held) { return !held.scope.IsEmpty(); }));
  if (living == 0) return Erase(at);
  // Not for each one that dies: moving a handle costs as much as making one.
  if (living <= batch.size() / 2) {
    Batch smaller;
    smaller.reserve(living);
    for (Held& held : batch) {
      if (!held.scope.IsEmpty()) smaller.push_back(std::move(held));
    }
    places_ -= batch.size() - living;
    std::swap(batch, smaller);
    Recycle(std::move(smaller));
  }
  return std::next(at);
}

WeakScopes::Batches::iterator WeakScopes::Erase(Batches::iterator at) {
  places_ -= at->second.size();
  Recycle(std::move(at->second));
  return batches_.erase(at);
}

void WeakScopes::Recycle(Batch batch) {
  if (batch.capacity() < kBatchIds || spare_.size() >= kMaxSpare) return;
  batch.clear();
  spare_.push_back(std::move(batch));
}

WeakScopes::Batches::iterator WeakScopes::Oldest() {
  const auto next = batches_.upper_bound(newest_);
  return next == batches_.end() ? batches_.begin() : next;
}

void WeakScopes::Clear() {
  batches_.clear();
  spare_.clear();
  pinned_.clear();
  places_ = 0;
}

size_t WeakScopes::CountHeld() const {
  size_t held = 0;
  for (const auto& [key, batch] : batches_) {
    for (const Held& one : batch) held += one.scope.IsEmpty() ? 0 : 1;
  }
  return held;
}

}  // namespace spanprof
