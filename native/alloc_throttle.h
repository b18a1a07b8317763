// Which heap samples become allocation records: all of them at low rates, a random part at high ones.
#ifndef SPANPROF_ALLOC_THROTTLE_H_
#define SPANPROF_ALLOC_THROTTLE_H_

#include <algorithm>
#include <cstdint>

#include "clocks.h"

namespace spanprof {

// Keeps one sample of 2^shift, at random, and has it stand for 2^shift. `shift` depends on earlier
// samples only, never on the one it decides about: so sums of weights are right on average, whatever
// the rate does. Time is cut into slots, each with a share of what may be kept. Whenever a slot has
// kept its share, `shift` goes up, so a burst keeps a share for each doubling and no more; it goes
// down again by slots that kept less than half of it.
class AllocThrottle {
 public:
  void Begin(uint32_t per_second, int64_t now_nanos) {
    share_ = std::max<uint32_t>(1, (per_second + kSlotsPerSecond / 2) / kSlotsPerSecond);
    slot_nanos_ = static_cast<int64_t>(share_) * kNanosPerSecond / per_second;
    slot_begin_nanos_ = now_nanos;
    kept_in_slot_ = 0;
    shift_ = 0;
    random_ = static_cast<uint64_t>(now_nanos) * kOdd | 1;
  }

  // How many samples this one stands for; 0: it is thinned out. Called in the middle of an
  // allocation: no allocation, no lock.
  uint32_t Weigh(int64_t now_nanos) noexcept {
    if (now_nanos - slot_begin_nanos_ >= slot_nanos_) NextSlot(now_nanos);
    if (Random() > UINT64_MAX >> shift_) return 0;
    const uint32_t weight = uint32_t{1} << shift_;
    if (++kept_in_slot_ % share_ == 0) shift_ = std::min(shift_ + 1, kMaxShift);
    return weight;
  }

 private:
  static constexpr uint32_t kSlotsPerSecond = 10;
  // A million samples for one: more than V8 takes in a slot.
  static constexpr int kMaxShift = 20;
  // 2^64 divided by the golden ratio: spreads a clock reading over all bits.
  static constexpr uint64_t kOdd = 0x9E3779B97F4A7C15;

  void NextSlot(int64_t now_nanos) noexcept {
    const int64_t slots = (now_nanos - slot_begin_nanos_) / slot_nanos_;
    slot_begin_nanos_ += slots * slot_nanos_;
    const int64_t idle = slots - 1 + (kept_in_slot_ * 2 < share_ ? 1 : 0);
    shift_ -= static_cast<int>(std::min<int64_t>(shift_, idle));
    kept_in_slot_ = 0;
  }

  // xorshift64*, whose high bits are good. Period 2^64 - 1.
  uint64_t Random() noexcept {
    random_ ^= random_ >> 12;
    random_ ^= random_ << 25;
    random_ ^= random_ >> 27;
    return random_ * 0x2545F4914F6CDD1D;
  }

  uint32_t share_ = 1;
  int64_t slot_nanos_ = kNanosPerSecond;
  int64_t slot_begin_nanos_ = 0;
  uint32_t kept_in_slot_ = 0;
  int shift_ = 0;
  uint64_t random_ = 1;
};

}  // namespace spanprof

#endif  // SPANPROF_ALLOC_THROTTLE_H_
