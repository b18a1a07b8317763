// The last chance before V8 runs out of heap: a call into JavaScript while there is still room.
//
// V8 asks for a new limit when the heap is nearly full, in the middle of a collection. No JavaScript
// may run there, so V8 gets a little more heap, and an interrupt calls TypeScript as soon as the
// running JavaScript comes by. Afterwards V8 is left alone, and the program dies of it as it would
// have, or is asked by the next in line (Node has callbacks of its own in workers).
#ifndef SPANPROF_HEAP_LIMIT_H_
#define SPANPROF_HEAP_LIMIT_H_

#include <v8.h>

#include <cstddef>

namespace spanprof {

// Thread of everything here: the isolate's. One per isolate.
class HeapLimit {
 public:
  explicit HeapLimit(v8::Isolate* isolate) : isolate_(isolate) {}
  ~HeapLimit() { Stop(); }
  HeapLimit(const HeapLimit&) = delete;
  HeapLimit& operator=(const HeapLimit&) = delete;

  // `on_near` is called at most once.
  void Start(v8::Local<v8::Context> context, v8::Local<v8::Function> on_near);
  void Stop();

 private:
  static size_t OnNearLimit(void* self, size_t current_limit, size_t initial_limit);
  static void OnInterrupt(v8::Isolate* isolate, void* self);
  void Call();
  void Remove(size_t limit);

  v8::Isolate* const isolate_;
  bool added_ = false;
  int asks_ = 0;
  size_t limit_before_ = 0;
  v8::Global<v8::Context> context_;
  v8::Global<v8::Function> on_near_;
};

}  // namespace spanprof

#endif  // SPANPROF_HEAP_LIMIT_H_
