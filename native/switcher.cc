#include "switcher.h"

#include <v8-internal.h>

#include <algorithm>

#include "clocks.h"
#include "js.h"

namespace spanprof {

namespace {

constexpr double kNanosPerMilli = 1e6;
// A reading of the thread's CPU clock costs 0.4 µs: once in so much busy time is 0.4 %.
constexpr double kChunkMillis = 0.1;
// Waiting that is long enough to be seen: epoll and back takes 2-5 µs.
constexpr double kGapMillis = 0.02;
// Between a callback and its microtasks Node returns from JavaScript for a moment: one turn still.
constexpr double kSameTurnMillis = 0.002;
// A piece this long is settled by itself: the kernel may have run another thread in it, and the next
// ones must not pay for that. As in src/attribution/switcher.ts.
constexpr double kLongMillis = 1;
// Added to every booking, so that a row with a booking is never 0 (see `touched`).
constexpr double kTinyMillis = 1e-12;

// V8 hands no data to the callbacks of calls.
thread_local Switcher* thread_switcher = nullptr;

double ThreadCpuMillis() { return static_cast<double>(ThreadCpuNanos()) / kNanosPerMilli; }

}  // namespace

// ---- the hot side ------------------------------------------------------------------------------
// Called by V8 around every call into JavaScript; the first one also for calls from native code that
// JavaScript called, so it must leave at once then. No allocation, no call into V8.

inline void Switcher::Enter() {
  words_[kInTurn] = 1;
  const double now = NowMillis();
  const double gap = now - numbers_[kLastMillis];
  if (gap > kSameTurnMillis) FinishTurn();
  if (gap > kGapMillis) Settle();
  if (words_[kRow] == 0) numbers_[kLastMillis] = now;
  if (counts_bytes_) BookBytes();
}

inline void Switcher::Exit(bool leaves_turn) {
  Book(NowMillis());
  if (counts_bytes_) BookBytes();
  words_[kRow] = 0;
  if (leaves_turn) words_[kInTurn] = 0;
  Collect();
  if (numbers_[kLastMillis] - chunk_begin_millis_ >= kChunkMillis) Settle();
}

inline void Switcher::Book(double now_millis) {
  const int32_t row = words_[kRow];
  const double elapsed = now_millis - numbers_[kLastMillis];
  numbers_[kLastMillis] = now_millis;
  if (row != 0) {
    double& pending = rows_[row].pending;
    if (pending == 0) touched_[words_[kTouched]++] = row;
    pending += elapsed + kTinyMillis;
  }
  if (elapsed > kLongMillis && (row != 0 || words_[kInTurn] != 0)) Settle(row, elapsed);
}

inline void Switcher::Collect() {
  const int32_t count = words_[kTouched];
  words_[kTouched] = 0;
  for (int32_t i = 0; i < count; i++) {
    const int32_t row = touched_[i];
    BillRow& bill = rows_[row];
    const double millis = bill.pending;
    bill.pending = 0;
    if (bill.chunk == 0) chunk_rows_.push_back(row);
    bill.chunk += millis;
    if (bill.turn == 0) turn_rows_.push_back(row);
    bill.turn += millis;
    for (int32_t above = row; above != 0; above = ParentOf(above)) {
      BillRow& including = rows_[above];
      if (including.turn_inclusive == 0) turn_inclusive_rows_.push_back(above);
      including.turn_inclusive += millis;
    }
  }
}

void Switcher::FinishTurn() {
  words_[kTurn]++;
  for (const int32_t row : turn_rows_) {
    BillRow& bill = rows_[row];
    bill.turns++;
    bill.longest = std::max(bill.longest, bill.turn);
    bill.turn = 0;
  }
  turn_rows_.clear();
  for (const int32_t row : turn_inclusive_rows_) {
    BillRow& bill = rows_[row];
    bill.turns_inclusive++;
    bill.longest_inclusive = std::max(bill.longest_inclusive, bill.turn_inclusive);
    bill.turn_inclusive = 0;
  }
  turn_inclusive_rows_.clear();
}

void Switcher::Settle(int32_t segment_row, double segment_millis) {
  const double cpu = ThreadCpuMillis();
  const double elapsed = numbers_[kLastMillis] - chunk_begin_millis_;
  const double used = cpu - chunk_begin_cpu_millis_;
  Collect();
  double off_cpu = std::max(0.0, elapsed - used);
  // One long piece among short ones is long because the thread lost the CPU in it, or waited.
  if (segment_row != 0) {
    const double lost = std::min(off_cpu, segment_millis);
    double& chunk = rows_[segment_row].chunk;
    chunk = std::max(kTinyMillis, chunk - lost);
    off_cpu -= lost;
  }
  const double busy = used + off_cpu;
  Share(busy > 0 ? used / busy : 1);
  chunk_begin_millis_ = NowMillis();
  chunk_begin_cpu_millis_ = cpu;
  // The clock's own reading is nobody's.
  if (words_[kInTurn] != 0) numbers_[kLastMillis] = chunk_begin_millis_;
}

void Switcher::Share(double factor) {
  for (const int32_t row : chunk_rows_) {
    BillRow& bill = rows_[row];
    const double millis = bill.chunk * factor;
    bill.chunk = 0;
    bill.cpu += millis;
    numbers_[kSettledCpuMillis] += millis;
    for (int32_t above = row; above != 0; above = ParentOf(above)) {
      rows_[above].cpu_inclusive += millis;
    }
  }
  chunk_rows_.clear();
}

void Switcher::Sync() {
  if (running_ && (words_[kInTurn] != 0 || words_[kRow] != 0)) Book(NowMillis());
  if (running_ && counts_bytes_) BookBytes();
  Collect();
  if (running_ && numbers_[kLastMillis] - chunk_begin_millis_ >= kChunkMillis) {
    Settle();
  } else {
    Share(1);
  }
}

// ---- allocated bytes -------------------------------------------------------------------------------

namespace {

// V8's new-space pages are of this size, on all four Nodes.
constexpr int kPageBits = 18;

// The linear allocation area of new space: start, top, limit.
uintptr_t AreaTop(v8::Isolate* isolate) {
  const auto* area = reinterpret_cast<const uintptr_t*>(
      reinterpret_cast<uintptr_t>(isolate) + v8::internal::Internals::kNewAllocationInfoOffset);
  return area[0] <= area[1] && area[1] <= area[2] ? area[1] : 0;
}

}  // namespace

void Switcher::BookBytes() {
  const uintptr_t top = AreaTop(isolate_);
  int64_t bytes;
  if (area_top_ != 0 && top >= area_top_ && (top - 1) >> kPageBits == (area_top_ - 1) >> kPageBits) {
    bytes = static_cast<int64_t>(top - area_top_);
    used_bytes_ += bytes;
  } else {
    const int64_t used = UsedBytes();
    bytes = std::max<int64_t>(0, used - used_bytes_);
    used_bytes_ = used;
  }
  area_top_ = top;
  const int32_t row = words_[kRow];
  if (row == 0 || bytes == 0) return;
  rows_[row].bytes += static_cast<double>(bytes);
  for (int32_t above = row; above != 0; above = ParentOf(above)) {
    rows_[above].bytes_inclusive += static_cast<double>(bytes);
  }
}

int64_t Switcher::UsedBytes() const {
  v8::HeapStatistics heap;
  isolate_->GetHeapStatistics(&heap);
  return static_cast<int64_t>(heap.used_heap_size());
}

void Switcher::SyncBytes() {
  used_bytes_ = UsedBytes();
  area_top_ = AreaTop(isolate_);
}

void Switcher::CountBytes(bool on) {
  counts_bytes_ = on;
  if (on) SyncBytes();
}

void Switcher::Pause() {
  if (counts_bytes_) {
    area_top_ = 0;  // by V8's statistics, which know large objects too
    BookBytes();
  }
  pause_begin_millis_ = NowMillis();
  if (running_ && words_[kRow] != 0) Book(pause_begin_millis_);
}

void Switcher::Resume(double collector_cpu_millis) {
  if (!running_) return;
  if (counts_bytes_) SyncBytes();
  chunk_begin_cpu_millis_ += collector_cpu_millis;
  if (words_[kInTurn] == 0 && words_[kRow] == 0) return;
  const double now = NowMillis();
  chunk_begin_millis_ += now - pause_begin_millis_;
  numbers_[kLastMillis] = now;
}

// Not taken for a turn: nothing would tell its end.
void Switcher::Wake() {
  Enter();
  words_[kInTurn] = 0;
}

double Switcher::NowMillis() const {
  return static_cast<double>(MonotonicNanos()) / kNanosPerMilli - origin_millis_;
}

// Microtasks may run without a call around them, and inside of one: a turn goes on then. In the first
// case calls from native code that a microtask called look like calls from the event loop.
void Switcher::OnEnter(v8::Isolate* isolate) {
  Switcher* self = thread_switcher;
  const bool is_in_turn = self->words_[kInTurn] != 0 && !(self->unsure_ && self->words_[kRow] == 0);
  if (is_in_turn || v8::MicrotasksScope::IsRunningMicrotasks(isolate)) return;
  self->unsure_ = false;
  self->Enter();
}
void Switcher::OnExit(v8::Isolate*) {
  if (thread_switcher->words_[kInTurn] == 0) return;
  thread_switcher->unsure_ = false;
  thread_switcher->Exit(true);
}
void Switcher::OnMicrotasksDone(v8::Isolate*, void* self) {
  static_cast<Switcher*>(self)->Exit(false);
}

// ---- start and stop ------------------------------------------------------------------------------

void Switcher::Start(double origin_nanos) {
  if (running_ || !has_table()) return;
  running_ = true;
  origin_millis_ = origin_nanos / kNanosPerMilli;
  thread_switcher = this;
  words_[kRow] = 0;
  words_[kInTurn] = 1;
  unsure_ = v8::MicrotasksScope::IsRunningMicrotasks(isolate_);
  chunk_begin_cpu_millis_ = ThreadCpuMillis();
  chunk_begin_millis_ = numbers_[kLastMillis] = NowMillis();
  isolate_->AddBeforeCallEnteredCallback(&Switcher::OnEnter);
  isolate_->AddCallCompletedCallback(&Switcher::OnExit);
  isolate_->AddMicrotasksCompletedCallback(&Switcher::OnMicrotasksDone, this);
}

void Switcher::Stop() {
  if (!running_) return;
  Exit(true);
  FinishTurn();
  Settle();
  running_ = counts_bytes_ = false;
  isolate_->RemoveBeforeCallEnteredCallback(&Switcher::OnEnter);
  isolate_->RemoveCallCompletedCallback(&Switcher::OnExit);
  isolate_->RemoveMicrotasksCompletedCallback(&Switcher::OnMicrotasksDone, this);
  thread_switcher = nullptr;
}

// ---- the table -----------------------------------------------------------------------------------

namespace {

// Memory that JavaScript sees as an array; it lives as long as the table.
template <typename View, typename Number>
Number* SharedArray(v8::Isolate* isolate, v8::Local<v8::Context> context,
                    v8::Local<v8::Object> table, const char* name, size_t length) {
  // Untouched pages of a large buffer take up no memory.
  auto buffer = v8::ArrayBuffer::New(isolate, length * sizeof(Number));
  table->Set(context, js::Text(isolate, name), View::New(buffer, 0, length)).FromMaybe(false);
  return static_cast<Number*>(buffer->Data());
}

}  // namespace

v8::Local<v8::Object> Switcher::Table(v8::Local<v8::Context> context, int32_t rows) {
  if (has_table()) return table_.Get(isolate_);
  auto table = v8::Object::New(isolate_);
  const auto length = static_cast<size_t>(rows);
  constexpr size_t kNumbersPerRow = sizeof(BillRow) / sizeof(double);
  words_ = SharedArray<v8::Int32Array, int32_t>(isolate_, context, table, "words", kWordCount);
  touched_ = SharedArray<v8::Int32Array, int32_t>(isolate_, context, table, "touched", length);
  numbers_ = SharedArray<v8::Float64Array, double>(isolate_, context, table, "numbers", kNumberCount);
  rows_ = reinterpret_cast<BillRow*>(
      SharedArray<v8::Float64Array, double>(isolate_, context, table, "rows", length * kNumbersPerRow));
  for (auto* list : {&turn_rows_, &turn_inclusive_rows_, &chunk_rows_}) list->reserve(length);
  table_.Reset(isolate_, table);
  return table;
}

}  // namespace spanprof
