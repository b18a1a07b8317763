// Exact CPU time per row of a table, while JavaScript says at every change who runs.
//
// The table is memory shared with TypeScript (src/attribution/switcher.ts). A switch happens in
// JavaScript: the time since the last one is added to the row that ran, no native call. This file
// does what JavaScript cannot see: where a turn begins and ends, so that waiting belongs to nobody,
// and how much of the elapsed time the thread was really on a CPU.
//
//   switch   JavaScript   pending[row] += now - last
//   turn     Exit()       pending moves to the turn's and the chunk's totals
//   chunk    Settle()     chunk[row] * (thread CPU / elapsed)  →  cpu[row] and the rows above it
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
enum SwitcherNumber { kLastMillis, kSettledCpuMillis, kUsedHeapBytes, kExternalBytes,
                      kTurnMillis, kTurnInclusiveMillis };

class Switcher {
 public:
  explicit Switcher(v8::Isolate* isolate) : isolate_(isolate) {}
  ~Switcher() { Stop(); }
  Switcher(const Switcher&) = delete;
  Switcher& operator=(const Switcher&) = delete;

  // All on the isolate's thread.

  // The table, made at the first call: columns of `rows` numbers. Row 0 is nobody and never billed.
  v8::Local<v8::Object> Table(v8::Local<v8::Context> context, int32_t rows);
  bool has_table() const { return rows_ > 0; }
  int32_t* words() { return words_; }
  double* numbers() { return numbers_; }

  // Called in the middle of JavaScript. `origin_nanos`: the monotonic clock at performance.now() 0.
  void Start(double origin_nanos);
  void Stop();
  // Everything up to now is in the columns `cpu` and `cpuInclusive`. `segment_millis`: the time that
  // was just booked to `segment_row` in one piece, if it was long.
  void Settle(int32_t segment_row = 0, double segment_millis = 0);
  // The same, for one reading: without a look at the thread's clock if the chunk is young. The row's
  // part of the running turn is written into the numbers.
  void Read(int32_t row);
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
  int64_t UsedBytes() const;
  void SyncBytes();
  double* Column(v8::Local<v8::Context> context, v8::Local<v8::Object> table, const char* name);
  int32_t* IntColumn(v8::Local<v8::Context> context, v8::Local<v8::Object> table, const char* name,
                     int32_t length);

  v8::Isolate* const isolate_;
  v8::Global<v8::Object> table_;
  int32_t rows_ = 0;
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
  int32_t* parent_ = nullptr;
  int32_t* touched_ = nullptr;  // rows with pending time
  double *pending_ = nullptr, *cpu_ = nullptr, *cpu_inclusive_ = nullptr;
  double *turns_ = nullptr, *turns_inclusive_ = nullptr;
  double *bytes_ = nullptr, *bytes_inclusive_ = nullptr;
  double *longest_ = nullptr, *longest_inclusive_ = nullptr;

  // New objects go one after another into V8's allocation area. While it is the same one the
  // difference of its top is what was allocated; else V8's used bytes tell.
  bool counts_bytes_ = false;
  uintptr_t area_top_ = 0;
  int64_t used_bytes_ = 0;  // at the last look at V8's statistics, plus what was booked since

  // Elapsed time by row of the running turn and of the running chunk, and which rows have any.
  std::vector<double> turn_, turn_inclusive_, chunk_;
  std::vector<int32_t> turn_rows_, turn_inclusive_rows_, chunk_rows_;
};

}  // namespace spanprof

#endif  // SPANPROF_SWITCHER_H_
