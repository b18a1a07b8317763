// Every garbage collection of one isolate: kind, pause, heap before and after; and from that the
// highest the heap has been since any moment.
#ifndef SPANPROF_GC_WATCH_H_
#define SPANPROF_GC_WATCH_H_

#include <v8.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "survivors.h"

namespace spanprof {

// The order of GC_KINDS in src/native.ts.
enum class GcKind : uint8_t { kScavenge, kMinorMarkSweep, kMarkSweep, kIncremental, kWeak, kCount };

// Thread of everything here: the isolate's. One per isolate.
GcKind KindOf(v8::GCType type);
// Whether it frees memory; the others only prepare or follow.
constexpr bool Collects(GcKind kind) {
  return kind != GcKind::kIncremental && kind != GcKind::kWeak;
}

class GcWatch {
 public:
  explicit GcWatch(v8::Isolate* isolate) : isolate_(isolate) {}
  ~GcWatch() { Stop(); }
  GcWatch(const GcWatch&) = delete;
  GcWatch& operator=(const GcWatch&) = delete;

  void Start();
  void Stop();

  const GcCounts& counts() const { return counts_; }
  // Has V8 begin to mark, as it does by itself when the heap has grown: beside the program, in small
  // steps, with a full collection at the end of it. Nothing if it marks already.
  void BeginMarking();

  // Pauses and totals since the last call: GcWindow in src/native.ts.
  v8::Local<v8::Value> Take(v8::Local<v8::Context> context);

  // A moment, for HighestSince(). Moments are numbered by collections: between two of them the heap
  // only grows.
  uint64_t Mark() const { return collections_; }
  // Most bytes the heap has held since a moment: it is at its highest right before a collection,
  // or now.
  size_t HighestSince(uint64_t mark) const;

 private:
  struct Pause {
    int64_t begin_nanos;
    int64_t duration_nanos;
    size_t before_bytes;
    size_t after_bytes;
    GcKind kind;
  };
  struct Total {
    uint32_t count = 0;
    int64_t nanos = 0;
    int64_t longest_nanos = 0;
  };
  struct High {
    uint64_t collection;
    size_t bytes;
  };
  // 40 KiB. A minute of a busy service has some hundred; the totals miss none.
  static constexpr size_t kMaxPauses = 1024;
  // Falling numbers only (see OnBegin), so even this many are unheard of.
  static constexpr size_t kMaxHighs = 1024;

  static void OnBegin(v8::Isolate*, v8::GCType, v8::GCCallbackFlags, void* self);
  static void OnEnd(v8::Isolate*, v8::GCType, v8::GCCallbackFlags, void* self);
  void Count(const Pause& pause);
  size_t UsedBytes() const;

  v8::Isolate* const isolate_;
  bool running_ = false;
  int depth_ = 0;
  Pause current_ = {};
  std::vector<Pause> pauses_;
  uint32_t unlisted_ = 0;
  std::array<Total, static_cast<size_t>(GcKind::kCount)> totals_ = {};
  uint64_t collections_ = 0;
  GcCounts counts_;
  int64_t marking_nanos_ = 0;  // when marking began; 0 if it has not
  // What was allocated before is proven to be alive or dead; 0 if there was no full collection.
  int64_t settled_nanos_ = 0;
  std::vector<High> highs_;
};

}  // namespace spanprof

#endif  // SPANPROF_GC_WATCH_H_
