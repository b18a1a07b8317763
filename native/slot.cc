#include "slot.h"

#include <node.h>
#include <v8-internal.h>

namespace spanprof {

namespace {

using Word = uintptr_t;

// Layout of V8's heap objects as read below; the probe at start (known scope in, same scope out)
// guards it, and every step is checked again here, so that a surprise reads as "no scope".
constexpr int kMapTableWord = 3;          // JSMap: map, properties, elements, table
constexpr int kTableElementsWord = 2;     // OrderedHashMap: map, length, elements, deleted, buckets, ...
constexpr int kTableDeletedWord = 3;
constexpr int kTableBucketsWord = 4;
constexpr int kTableDataWord = 5;         // heads of the buckets, then entries
constexpr int kEntryWords = 3;            // key, value, next
constexpr int kFirstFieldWord = 3;        // JSObject: map, properties, elements, first field
constexpr int64_t kMaxBuckets = 1 << 20;  // a frame holds a handful of storages
constexpr int kMaxChain = 64;
constexpr size_t kSharedBytes = 64;       // one cache line

inline bool IsSmall(Word value) { return (value & 0xFFFFFFFF) == 0; }
inline int64_t SmallValue(Word value) { return static_cast<int64_t>(value) >> 32; }
inline bool IsHeapObject(Word value) { return (value & 3) == 1; }
inline Word HeapWord(Word object, int64_t index) {
  return *reinterpret_cast<const Word*>(object - 1 + 8 * index);
}

}  // namespace

int32_t Slot::Read() const noexcept {
  if (!frame_mode_.load(std::memory_order_relaxed)) {
    return *shared_;
  }
  if (gc_depth_.load(std::memory_order_relaxed) > 0) {
    return gc_scope_.load(std::memory_order_relaxed);
  }
  return ReadFrame();
}

#if NODE_MAJOR_VERSION >= 22

int32_t Slot::ReadFrame() const noexcept {
  Word frame = *reinterpret_cast<const Word*>(
      reinterpret_cast<Word>(isolate_) +
      v8::internal::Internals::kContinuationPreservedEmbedderDataOffset);
  if (!IsHeapObject(frame)) return kNoScope;
  // IsMap() looks at the instance type only: no handle, no allocation.
  if (!reinterpret_cast<const v8::Value*>(&frame)->IsMap()) return kNoScope;
  const Word table = HeapWord(frame, kMapTableWord);
  if (!IsHeapObject(table)) return kNoScope;
  const Word elements = HeapWord(table, kTableElementsWord);
  const Word deleted = HeapWord(table, kTableDeletedWord);
  const Word buckets = HeapWord(table, kTableBucketsWord);
  if (!IsSmall(elements) || !IsSmall(deleted) || !IsSmall(buckets)) return kNoScope;
  const int64_t bucket_count = SmallValue(buckets);
  if (bucket_count <= 0 || bucket_count > kMaxBuckets) return kNoScope;
  const int64_t entries = SmallValue(elements) + SmallValue(deleted);

  const Word key = **reinterpret_cast<Word* const*>(&storage_);
  Word next = HeapWord(table, kTableDataWord + (storage_hash_ & (bucket_count - 1)));
  for (int guard = 0; guard < kMaxChain && IsSmall(next); guard++) {
    const int64_t entry = SmallValue(next);
    if (entry < 0 || entry >= entries) return kNoScope;
    const int64_t at = kTableDataWord + bucket_count + entry * kEntryWords;
    if (HeapWord(table, at) == key) {
      Word value = HeapWord(table, at + 1);
      if (IsHeapObject(value)) value = HeapWord(value, kFirstFieldWord);
      return IsSmall(value) ? static_cast<int32_t>(SmallValue(value)) : kNoScope;
    }
    next = HeapWord(table, at + 2);
  }
  return kNoScope;
}

#else

int32_t Slot::ReadFrame() const noexcept { return kNoScope; }

#endif

Slot::Slot(v8::Isolate* isolate) : isolate_(isolate) {
  auto buffer = v8::ArrayBuffer::New(isolate, kSharedBytes);
  shared_buffer_.Reset(isolate, buffer);
  shared_ = static_cast<int32_t*>(buffer->Data());
  isolate_->AddGCPrologueCallback(&Slot::OnGcStart, this);
  isolate_->AddGCEpilogueCallback(&Slot::OnGcEnd, this);
}

Slot::~Slot() {
  isolate_->RemoveGCPrologueCallback(&Slot::OnGcStart, this);
  isolate_->RemoveGCEpilogueCallback(&Slot::OnGcEnd, this);
}

void Slot::UseFrameOf(v8::Local<v8::Object> storage) {
  frame_mode_.store(false);
  storage_.Reset(isolate_, storage);
  storage_hash_ = storage->GetIdentityHash();
#if NODE_MAJOR_VERSION >= 22
  frame_mode_.store(true);
#endif
}

void Slot::UseShared() {
  frame_mode_.store(false);
  storage_.Reset();
}

v8::Local<v8::Int32Array> Slot::SharedArray() {
  return v8::Int32Array::New(shared_buffer_.Get(isolate_), 0, kSharedBytes / sizeof(int32_t));
}

void Slot::OnGcStart(v8::Isolate*, v8::GCType, v8::GCCallbackFlags, void* self) {
  auto* slot = static_cast<Slot*>(self);
  if (slot->gc_depth_.load(std::memory_order_relaxed) == 0) {
    slot->gc_scope_.store(slot->Read(), std::memory_order_relaxed);
  }
  slot->gc_depth_.fetch_add(1, std::memory_order_release);
}

void Slot::OnGcEnd(v8::Isolate*, v8::GCType, v8::GCCallbackFlags, void* self) {
  static_cast<Slot*>(self)->gc_depth_.fetch_sub(1, std::memory_order_relaxed);
}

}  // namespace spanprof
