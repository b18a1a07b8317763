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

}  // namespace

// Called by V8 within a collection, on the isolate's thread. No JavaScript, no handles; returns the
// limit from now on.
size_t HeapLimit::OnNearLimit(void* data, size_t current_limit, size_t) {
  auto* self = static_cast<HeapLimit*>(data);
  // Asked again before JavaScript came by: there is no more to be had.
  if (self->state_ != State::kArmed) return current_limit;
  self->state_ = State::kAsked;
  self->limit_before_ = current_limit;
  self->isolate_->RequestInterrupt(&HeapLimit::OnInterrupt, self);
  return current_limit + std::clamp(current_limit / kRoomShare, kLeastRoom, kMostRoom);
}

// Called by V8 where running JavaScript can be interrupted, on the isolate's thread.
void HeapLimit::OnInterrupt(v8::Isolate*, void* data) {
  auto* self = static_cast<HeapLimit*>(data);
  if (self->state_ == State::kAsked) self->Call();
}

void HeapLimit::Call() {
  v8::HandleScope handles(isolate_);
  v8::Local<v8::Context> context = context_.Get(isolate_);
  v8::Local<v8::Function> on_near = on_near_.Get(isolate_);
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
  state_ = State::kArmed;
  isolate_->AddNearHeapLimitCallback(&HeapLimit::OnNearLimit, this);
}

void HeapLimit::Stop() {
  if (state_ == State::kOff) return;
  // With a limit V8 takes back what was given, as far as the heap is not fuller by now.
  isolate_->RemoveNearHeapLimitCallback(&HeapLimit::OnNearLimit, limit_before_);
  state_ = State::kOff;
  limit_before_ = 0;
  on_near_.Reset();
  context_.Reset();
}

}  // namespace spanprof
