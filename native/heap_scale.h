// From heap samples to what they stand for.
#ifndef SPANPROF_HEAP_SCALE_H_
#define SPANPROF_HEAP_SCALE_H_

#include <cmath>
#include <cstddef>

namespace spanprof {

// V8 takes an object with the probability 1 - e^(-size / interval), so a sample stands for this many.
inline double ObjectsFor(size_t size, double interval_bytes) {
  return -1 / std::expm1(-static_cast<double>(size) / interval_bytes);
}

}  // namespace spanprof

#endif  // SPANPROF_HEAP_SCALE_H_
