#include "heap_limit.h"

#include <algorithm>

namespace spanprof {

namespace {

// Building and encoding a profile of some thousand samples takes 10 to 20 MiB of garbage; a larger
// heap has more samples. A container that is sized by V8's limit must not notice.
constexpr size_t kMiB = 1024 * 1024;
constexpr size_t kLeastRoom = 24 * kMiB;
constexpr size_t kMostRoom = 96 * kMiB;
constexpr size_t kRoomShare = 20;
// The collector may be back before JavaScript comes by, and while that builds the profile.
constexpr int kMostAsks = 3;

}  // namespace

// Called by V8 within a collection, on the isolate's thread. No JavaScript, no handles; returns the
// limit from now on.
size_t HeapLimit::OnNearLimit(void* data, size_t current_limit, size_t) {
  auto* self = static_cast<HeapLimit*>(data);
  if (self->asks_++ == 0) {
    self->limit_before_ = current_limit;
    self->isolate_->RequestInterrupt(&HeapLimit::OnInterrupt, self);
  }
  // V8 asks only the callback that was added last, and one that gives nothing makes it abort: with
  // a last bit of room the next time is for the next in line.
  if (self->asks_ >= kMostAsks) self->Remove(0);
  return current_limit + std::clamp(current_limit / kRoomShare, kLeastRoom, kMostRoom);
}

// Called by V8 where running JavaScript can be interrupted, on the isolate's thread.
void HeapLimit::OnInterrupt(v8::Isolate*, void* data) {
  auto* self = static_cast<HeapLimit*>(data);
  if (!self->on_near_.IsEmpty()) self->Call();
}

void HeapLimit::Call() {
  v8::HandleScope handles(isolate_);
  v8::Local<v8::Context> context = context_.Get(isolate_);
  v8::Local<v8::Function> on_near = on_near_.Get(isolate_);
  on_near_.Reset();
  {
    v8::Context::Scope scope(context);
    v8::TryCatch guard(isolate_);
    v8::MicrotasksScope microtasks(context, v8::MicrotasksScope::kDoNotRunMicrotasks);
    v8::Local<v8::Value> ignored;
    if (!on_near->Call(context, v8::Undefined(isolate_), 0, nullptr).ToLocal(&ignored)) {
      // The program goes on, to its end.
    }
  }
  Stop();
}

void HeapLimit::Start(v8::Local<v8::Context> context, v8::Local<v8::Function> on_near) {
  Stop();
  context_.Reset(isolate_, context);
  on_near_.Reset(isolate_, on_near);
  asks_ = 0;
  added_ = true;
  isolate_->AddNearHeapLimitCallback(&HeapLimit::OnNearLimit, this);
}

void HeapLimit::Stop() {
  // With a limit V8 takes back what was given, as far as the heap is not fuller by now. Only a
  // callback that is there can do that.
  if (!added_ && limit_before_ != 0) {
    isolate_->AddNearHeapLimitCallback(&HeapLimit::OnNearLimit, this);
    added_ = true;
  }
  Remove(limit_before_);
  limit_before_ = 0;
  on_near_.Reset();
  context_.Reset();
}

void HeapLimit::Remove(size_t limit) {
  if (!added_) return;
  added_ = false;
  isolate_->RemoveNearHeapLimitCallback(&HeapLimit::OnNearLimit, limit);
}

}  // namespace spanprof
