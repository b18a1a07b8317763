// Which samples a collection has proven to be alive.
//
// An object that a collection left over is not always needed: what is written anywhere while V8 marks
// counts as alive in the full collection that ends the marking, garbage or not, and stays until the
// next one. A loop that throws 16 MiB away a collection then looks as if it kept them. So what was
// allocated while V8 marked, and met no collection before the full one, is proven by the next full one.
#ifndef SPANPROF_SURVIVORS_H_
#define SPANPROF_SURVIVORS_H_

#include <algorithm>
#include <cstdint>

namespace spanprof {

// Seen so far.
struct GcCounts {
  uint64_t collections = 0;
  uint64_t full = 0;
  uint64_t markings = 0;  // begun
  bool is_marking = false;
};

class Survivors {
 public:
  // Once per sample and before each look, with the highest sample id until then: collections between
  // two samples all lie at the same id.
  void Note(const GcCounts& counts, uint64_t last_id) {
    if (counts.collections == seen_.collections && counts.markings == seen_.markings) return;
    if (counts.full != seen_.full) {
      settled_upto_ = marking_ ? marking_from_ : last_id;
      floating_ = {marking_ ? std::max(marking_from_, collected_upto_) : last_id, last_id};
      marking_ = false;
    }
    if (counts.collections != seen_.collections) collected_upto_ = last_id;
    if (counts.markings != seen_.markings) {
      // It may have ended in a full collection already.
      marking_ = counts.is_marking;
      marking_from_ = last_id;
    }
    seen_ = counts;
  }

  bool IsProven(uint64_t id) const {
    const bool floats = id > floating_.after && id <= floating_.upto;
    return id <= collected_upto_ && !floats;
  }

  // Whether a sample was taken before the last full collection began to mark: if it is still there,
  // its object was alive then, or an older collection's marking swept it along.
  bool IsSettled(uint64_t id) const { return id <= settled_upto_; }

  // Sample ids begin at 1 again; what was seen of collections stays.
  void Forget() {
    collected_upto_ = 0;
    settled_upto_ = 0;
    floating_ = {};
    marking_ = false;
  }

 private:
  struct Range {
    uint64_t after = 0;
    uint64_t upto = 0;
  };

  GcCounts seen_;
  uint64_t collected_upto_ = 0;
  uint64_t settled_upto_ = 0;
  Range floating_;
  bool marking_ = false;
  uint64_t marking_from_ = 0;
};

}  // namespace spanprof

#endif  // SPANPROF_SURVIVORS_H_
