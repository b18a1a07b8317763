// Exact CPU time per row of a table, while JavaScript says at every change who runs.
//
// The table is memory shared with TypeScript (src/attribution/switcher.ts). A switch happens in
// JavaScript: the time since the last one is added to the row that ran, no native call. This file
// does what JavaScript cannot see: where a turn begins and ends, so that waiting belongs to nobody,
// and how much of the elapsed time the thread was really on a CPU.
//
//   switch   JavaScript   row.pending += now - last
//   turn     Exit()       pending moves to the turn's and the chunk's totals
//   chunk    Settle()     row.chunk * (thread CPU / elapsed)  →  row.cpu and the rows above it
//
// A chunk is busy time without a gap: it ends when the thread has waited, or after kChunkMillis.
// Its factor takes out what the kernel gave to other threads and what a synchronous call waited for.
#ifndef SPANPROF_SWITCHER_H_
#define SPANPROF_SWITCHER_H_

#include <v8.h>

#include <cstdint>
#include <vector>

namespace spanprof {

// Words shared with TypeScript; the same names are in src/native.ts.
enum SwitcherWord { kRow, kTouched, kInTurn, kSwitches, kLooks, kEvents, kLostEvents, kTurn,
                    kWordCount };
enum SwitcherNumber { kLastMillis, kSettledCpuMillis, kUsedHeapBytes, kExternalBytes, kNumberCount };

// All of one bill side by side: whoever looks at a bill looks at most of it, and rows change often
// enough that each is fetched from memory. The same names are in src/native.ts, and the same order.
struct BillRow {
  // What switches have booked since native code last looked.
  double pending;
  // Elapsed time of the running turn, with and without the bills inside, and of the running chunk.
  double turn, turn_inclusive, chunk;
  double cpu, cpu_inclusive;
  double turns, turns_inclusive;
  double longest, longest_inclusive;
  double bytes, bytes_inclusive;
  double parent;  // a row; 0 none
  double unused[3];
};
// Two lines of the CPU's cache.
static_assert(sizeof(BillRow) == 128);

class Switcher {
 public:
  explicit Switcher(v8::Isolate* isolate) : isolate_(isolate) {}
  ~Switcher() { Stop(); }
  Switcher(const Switcher&) = delete;
  Switcher& operator=(const Switcher&) = delete;

  // All on the isolate's thread.

  // The table, made at the first call. Row 0 is nobody and never billed.
  v8::Local<v8::Object> Table(v8::Local<v8::Context> context, int32_t rows);
  bool has_table() const { return rows_ != nullptr; }
  int32_t* words() { return words_; }
  double* numbers() { return numbers_; }

  // Called in the middle of JavaScript. `origin_nanos`: the monotonic clock at performance.now() 0.
  void Start(double origin_nanos);
  void Stop();
  // Everything up to now is in `cpu` and `cpu_inclusive`. `segment_millis`: the time that was just
  // booked to `segment_row` in one piece, if it was long.
  void Settle(int32_t segment_row = 0, double segment_millis = 0);
  // The same, for a reading: without a look at the thread's clock if the chunk is young.
  void Sync();
  // Ends the running turn here, so that the rows of ended bills can be used again.
  void FinishTurn();
  // JavaScript runs although no call from outside was seen.
  void Wake();
  // Counts allocated bytes too from now on: exactly, at every switch. Slower by a call each.
  void CountBytes(bool on);
  // What was allocated since the last call goes to the row that runs. JavaScript calls it before it
  // changes the row.
  void BookBytes();
  // Around a garbage collection, whose time is nobody's here.
  void Pause();
  void Resume(double collector_cpu_millis);

 private:
  static void OnEnter(v8::Isolate*);
  static void OnExit(v8::Isolate*);
  static void OnMicrotasksDone(v8::Isolate*, void* self);
  void Enter();
  void Exit(bool leaves_turn);
  void Book(double now_millis);
  void Collect();
  void Share(double factor);
  double NowMillis() const;
  int32_t ParentOf(int32_t row) const { return static_cast<int32_t>(rows_[row].parent); }
  int64_t UsedBytes() const;
  void SyncBytes();

  v8::Isolate* const isolate_;
  v8::Global<v8::Object> table_;
  bool running_ = false;
  // Started in a microtask: there may be no call around it whose end would be told.
  bool unsure_ = false;
  double origin_millis_ = 0;
  double pause_begin_millis_ = 0;
  // Beginning of the running chunk on both clocks.
  double chunk_begin_millis_ = 0;
  double chunk_begin_cpu_millis_ = 0;

  // Shared with TypeScript.
  int32_t* words_ = nullptr;
  double* numbers_ = nullptr;
  BillRow* rows_ = nullptr;
  int32_t* touched_ = nullptr;  // rows with pending time

  // New objects go one after another into V8's allocation area. While it is the same one the
  // difference of its top is what was allocated; else V8's used bytes tell.
  bool counts_bytes_ = false;
  uintptr_t area_top_ = 0;
  int64_t used_bytes_ = 0;  // at the last look at V8's statistics, plus what was booked since

  // Rows with time in the running turn and in the running chunk.
  std::vector<int32_t> turn_rows_, turn_inclusive_rows_, chunk_rows_;
};

}  // namespace spanprof

#endif  // SPANPROF_SWITCHER_H_
