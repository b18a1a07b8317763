// Scopes that are no longer new, found by id for as long as something else keeps them alive.
//
// JavaScript's weak references are dear: each is an object, its target is kept until the running job
// ends, and only a full collection empties it, so that every scope would move into the old
// generation first. V8's weak handles are emptied by scavenges already, and they empty themselves: a
// scope that dies costs no call. What is left to do here is to free the batches they lie in.
#ifndef SPANPROF_WEAK_SCOPES_H_
#define SPANPROF_WEAK_SCOPES_H_

#include <v8.h>

#include <cstdint>
#include <map>
#include <vector>

namespace spanprof {

// Thread of everything here: the isolate's. One per isolate.
class WeakScopes {
 public:
  // Ids n * kBatchIds to (n + 1) * kBatchIds - 1 come together. SCOPES_BATCH in src/native.ts.
  static constexpr int32_t kBatchIds = 64;
  // At some 50 bytes each. Those of the dead count until a collection, and where the young
  // generation is set to 128 MB hundreds of thousands come between two.
  static constexpr size_t kMaxHandles = 1024 * 1024;
  // Storage of batches that were freed, for the next ones: 1 KiB each. A malloc() of that size has
  // glibc merge all small chunks that are free, and the application's next ones are cut out anew.
  static constexpr size_t kMaxSpare = 64;

  explicit WeakScopes(v8::Isolate* isolate) : isolate_(isolate) {}
  WeakScopes(const WeakScopes&) = delete;
  WeakScopes& operator=(const WeakScopes&) = delete;

  // Takes a batch over: Add() in the order of ids, then Seal(), which returns how many of the
  // oldest had to go for it.
  void Add(int32_t id, v8::Local<v8::Object> scope);
  size_t Seal();

  // The scope of an id; empty if it is gone.
  v8::Local<v8::Object> Find(int32_t id);

  // Keeps scopes alive until Unpin(). Allocates nothing in V8's heap: it may be called when a
  // collection begins, about the scopes that samples have seen so far.
  void Pin(const std::vector<int32_t>& ids);
  void Unpin();

  // Frees what the dead still take.
  void Sweep();
  void Clear();

  // Scopes alive, or not yet known to be dead.
  size_t CountHeld() const;

 private:
  // V8 knows the address of a weak handle and writes to it: a handle is moved only by its own move
  // constructor, which tells V8.
  struct Held {
    Held(int32_t id_in, v8::Isolate* isolate, v8::Local<v8::Object> scope_in)
        : id(id_in), scope(isolate, scope_in) {
      scope.SetWeak();
    }
    int32_t id;
    v8::Global<v8::Object> scope;
  };
  // In the order of their ids.
  using Batch = std::vector<Held>;
  // By id over kBatchIds.
  using Batches = std::map<int32_t, Batch>;

  // Null if there is none, or it is dead.
  Held* FindHeld(int32_t id);
  // The batch after this one. This one is gone if all in it are dead.
  Batches::iterator SweepOne(Batches::iterator at);
  Batches::iterator Erase(Batches::iterator at);
  void Recycle(Batch batch);
  // Ids come in order and begin anew one day, so the oldest are the next after the newest, in a ring.
  Batches::iterator Oldest();

  v8::Isolate* const isolate_;
  Batches batches_;
  // The batch that is being taken over.
  Batch incoming_;
  std::vector<Batch> spare_;
  std::vector<int32_t> pinned_;
  int32_t newest_ = 0;
  // Where SweepOne() goes on.
  int32_t next_swept_ = 0;
  // Places in all batches, empty ones included.
  size_t places_ = 0;
};

}  // namespace spanprof

#endif  // SPANPROF_WEAK_SCOPES_H_
