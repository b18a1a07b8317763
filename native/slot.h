// The slot: the id of the scope that runs now, readable at any moment.
//
// Two ways to know it, decided once at start by a probe in TypeScript:
//  - frame: Node's AsyncLocalStorage lives in V8's continuation-preserved data (an AsyncContextFrame,
//    a JavaScript Map). We look our storage up in that map by reading memory: no call into V8, no
//    allocation, about 4 ns.
//  - shared: async_hooks keep an Int32 in memory shared with JavaScript up to date.
#ifndef SPANPROF_SLOT_H_
#define SPANPROF_SLOT_H_

#include <v8.h>

#include <atomic>
#include <cstdint>

namespace spanprof {

constexpr int32_t kNoScope = 0;

class Slot {
 public:
  explicit Slot(v8::Isolate* isolate);
  ~Slot();
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;

  // Id of the running scope, kNoScope outside of all.
  // Thread: the isolate's own. Async-signal-safe. Must not allocate, lock or call into V8's heap.
  int32_t Read() const noexcept;
  // Whether the collector runs. As Read().
  bool InCollection() const noexcept { return gc_depth_.load(std::memory_order_relaxed) > 0; }

  // Looks `storage` (an AsyncLocalStorage) up in the frame from now on; an empty handle goes back
  // to the shared integer. The stored value is a small integer, or an object whose first
  // in-object field is one.
  void UseFrameOf(v8::Local<v8::Object> storage);
  void UseShared();

  // Element 0 is the scope id that Read() returns in shared mode.
  v8::Local<v8::Int32Array> SharedArray();

 private:
  int32_t ReadFrame() const noexcept;
  static void OnGcStart(v8::Isolate*, v8::GCType, v8::GCCallbackFlags, void* self);
  static void OnGcEnd(v8::Isolate*, v8::GCType, v8::GCCallbackFlags, void* self);

  v8::Isolate* const isolate_;
  // Kept as a plain pointer: the smart pointer V8 offers asks for a newer glibc than Node 20 does.
  v8::Global<v8::ArrayBuffer> shared_buffer_;
  volatile int32_t* shared_ = nullptr;
  std::atomic<bool> frame_mode_{false};
  v8::Global<v8::Object> storage_;
  int storage_hash_ = 0;
  // While the collector moves objects the frame must not be read: the scope it found at its start
  // stands in.
  std::atomic<int> gc_depth_{0};
  std::atomic<int32_t> gc_scope_{kNoScope};
};

}  // namespace spanprof

#endif  // SPANPROF_SLOT_H_
