// Every export of the addon, and what belongs to one environment (main thread or worker).
// The typed counterpart of this list is src/native.ts.
#include <node.h>
#include <uv.h>

#include <memory>

#include "clocks.h"
#include "cpu_sampler.h"
#include "gc_watch.h"
#include "heap_allocs.h"
#include "heap_limit.h"
#include "heap_sampler.h"
#include "js.h"
#include "meter.h"
#include "malloc_info.h"
#include "slot.h"
#include "switcher.h"
#include "termination.h"
#include "thread_clocks.h"
#include "weak_scopes.h"

namespace spanprof {

namespace {

using Arguments = v8::FunctionCallbackInfo<v8::Value>;

// One per isolate; freed by the environment's cleanup hook, which runs on its thread.
struct Environment {
  explicit Environment(v8::Isolate* isolate_in)
      : isolate(isolate_in),
        slot(isolate_in),
        scopes(isolate_in),
        switcher(isolate_in),
        meter(isolate_in, &switcher),
        gc(isolate_in),
        heap_limit(isolate_in),
        allocs(isolate_in),
        cpu(isolate_in, &slot, &allocs),
        heap(isolate_in, &slot, &meter, &gc, &allocs) {}
  v8::Isolate* const isolate;
  Slot slot;
  WeakScopes scopes;
  Switcher switcher;
  Meter meter;
  GcWatch gc;
  HeapLimit heap_limit;
  AllocRecorder allocs;
  CpuSampler cpu;
  HeapSampler heap;
  bool owns_termination = false;
};

Environment* Of(const Arguments& args) {
  return static_cast<Environment*>(args.Data().As<v8::External>()->Value(
#if NODE_MAJOR_VERSION >= 26
      v8::kExternalPointerTypeTagDefault
#endif
      ));
}

// What a sample has seen must not be collected before the sample is labelled.
void OnCollection(v8::Isolate*, v8::GCType, v8::GCCallbackFlags, void* data) {
  auto* environment = static_cast<Environment*>(data);
  environment->scopes.Pin(environment->cpu.TakeScopesToPin());
  environment->scopes.Pin(environment->heap.TakeScopesToPin());
}

void EndEnvironment(void* data) {
  auto* environment = static_cast<Environment*>(data);
  environment->isolate->RemoveGCPrologueCallback(&OnCollection, environment);
  if (environment->owns_termination) StopTermination();
  environment->cpu.Stop();
  environment->heap.Stop();
  environment->gc.Stop();
  environment->heap_limit.Stop();
  UnregisterThreadClock();
  delete environment;
}

int32_t IntArgument(const Arguments& args, int index) { return args[index].As<v8::Int32>()->Value(); }

double NumberArgument(const Arguments& args, int index) {
  return args[index].As<v8::Number>()->Value();
}

v8::Local<v8::Context> ContextOf(const Arguments& args) {
  return args.GetIsolate()->GetCurrentContext();
}

// ---- slot ----

// slotArray(): Int32Array
void SlotArray(const Arguments& args) { args.GetReturnValue().Set(Of(args)->slot.SharedArray()); }

// readScope(): number
void ReadScope(const Arguments& args) { args.GetReturnValue().Set(Of(args)->slot.Read()); }

// useFrameOf(storage: AsyncLocalStorage): void
void UseFrameOf(const Arguments& args) { Of(args)->slot.UseFrameOf(args[0].As<v8::Object>()); }

// useShared(): void
void UseShared(const Arguments& args) { Of(args)->slot.UseShared(); }

// ---- scopes ----

// scopesHold(firstId, ...scopes): number
void ScopesHold(const Arguments& args) {
  WeakScopes& scopes = Of(args)->scopes;
  const int32_t first_id = IntArgument(args, 0);
  for (int i = 1; i < args.Length(); i++) {
    if (args[i]->IsObject()) scopes.Add(first_id + i - 1, args[i].As<v8::Object>());
  }
  args.GetReturnValue().Set(static_cast<double>(scopes.Seal()));
}

// scopesFind(id): object | undefined
void ScopesFind(const Arguments& args) {
  v8::Local<v8::Object> scope = Of(args)->scopes.Find(IntArgument(args, 0));
  if (!scope.IsEmpty()) args.GetReturnValue().Set(scope);
}

// scopesSweep(), scopesUnpin(), scopesClear(): void
void ScopesSweep(const Arguments& args) { Of(args)->scopes.Sweep(); }
void ScopesUnpin(const Arguments& args) { Of(args)->scopes.Unpin(); }
void ScopesClear(const Arguments& args) { Of(args)->scopes.Clear(); }

// scopesHeld(): number
void ScopesHeld(const Arguments& args) {
  args.GetReturnValue().Set(static_cast<double>(Of(args)->scopes.CountHeld()));
}

// ---- clocks ----

// threadCpuNanos(), processCpuNanos(), jsThreadsCpuNanos(), monotonicNanos(): number
void ThreadCpu(const Arguments& args) {
  args.GetReturnValue().Set(static_cast<double>(ThreadCpuNanos()));
}
void ProcessCpu(const Arguments& args) {
  args.GetReturnValue().Set(static_cast<double>(ProcessCpuNanos()));
}
void JsThreadsCpu(const Arguments& args) {
  args.GetReturnValue().Set(static_cast<double>(AllThreadClocksNanos()));
}
void Monotonic(const Arguments& args) {
  args.GetReturnValue().Set(static_cast<double>(MonotonicNanos()));
}

// ---- cpu ----

// cpuStart(intervalMicros, tickCapacity): 0 started | 1 foreign profiler | 2 failed
void CpuStartExport(const Arguments& args) {
  const CpuStart result =
      Of(args)->cpu.Start(IntArgument(args, 0), static_cast<uint32_t>(IntArgument(args, 1)));
  args.GetReturnValue().Set(static_cast<int32_t>(result));
}

// cpuCollect(goOn): CpuCollection | undefined
void CpuCollect(const Arguments& args) {
  args.GetReturnValue().Set(
      Of(args)->cpu.Collect(ContextOf(args), args[0]->BooleanValue(args.GetIsolate())));
}

// cpuSeenScopes(): number[] | undefined
void CpuSeenScopes(const Arguments& args) {
  args.GetReturnValue().Set(
      js::Few<v8::Integer>(args.GetIsolate(), Of(args)->cpu.TakeSeenScopes()));
}

// cpuRuns(): boolean
void CpuRuns(const Arguments& args) { args.GetReturnValue().Set(Of(args)->cpu.running()); }

// cpuSampledScopes(): number[] | undefined
void CpuSampledScopes(const Arguments& args) {
  args.GetReturnValue().Set(
      js::Few<v8::Integer>(args.GetIsolate(), Of(args)->cpu.TakeSampledScopes()));
}

// cpuStop(): void
void CpuStop(const Arguments& args) { Of(args)->cpu.Stop(); }

// ---- heap ----

// heapStart(intervalBytes, stackDepth, labels, allocsPerSecond): 0 labelled | 1 unlabelled | 2 busy
void HeapStartExport(const Arguments& args) {
  const HeapStart result =
      Of(args)->heap.Start(static_cast<uint64_t>(NumberArgument(args, 0)), IntArgument(args, 1),
                           args[2]->BooleanValue(args.GetIsolate()),
                           static_cast<uint32_t>(IntArgument(args, 3)));
  args.GetReturnValue().Set(static_cast<int32_t>(result));
}

// heapCollect(): HeapColumns | undefined
void HeapCollect(const Arguments& args) {
  args.GetReturnValue().Set(Of(args)->heap.Collect(ContextOf(args)));
}

// heapAllocs(): AllocWindow | undefined
void HeapAllocs(const Arguments& args) {
  args.GetReturnValue().Set(Of(args)->allocs.Take(ContextOf(args)));
}

// heapSeenScopes(): number[] | undefined
void HeapSeenScopes(const Arguments& args) {
  args.GetReturnValue().Set(
      js::Few<v8::Integer>(args.GetIsolate(), Of(args)->heap.TakeSeenScopes()));
}

// heapStop(): void
void HeapStop(const Arguments& args) { Of(args)->heap.Stop(); }

// heapLiveBytes(): Float64Array
void HeapLiveBytes(const Arguments& args) {
  args.GetReturnValue().Set(Of(args)->heap.LiveBytesByScope());
}

// ---- bills ----

// billTable(rows): BillMemory
void BillTable(const Arguments& args) {
  args.GetReturnValue().Set(Of(args)->switcher.Table(ContextOf(args), IntArgument(args, 0)));
}

// switcherStart(originNanos), switcherStop(), switcherWake(): void
void SwitcherStart(const Arguments& args) { Of(args)->switcher.Start(NumberArgument(args, 0)); }
void SwitcherStop(const Arguments& args) { Of(args)->switcher.Stop(); }
void SwitcherWake(const Arguments& args) { Of(args)->switcher.Wake(); }

// switcherSettle(segmentRow, segmentMillis): void
void SwitcherSettle(const Arguments& args) {
  Of(args)->switcher.Settle(IntArgument(args, 0), NumberArgument(args, 1));
}

// switcherCountBytes(on), switcherBookBytes(): void
void SwitcherCountBytes(const Arguments& args) {
  Of(args)->switcher.CountBytes(args[0]->BooleanValue(args.GetIsolate()));
}
void SwitcherBookBytes(const Arguments& args) { Of(args)->switcher.BookBytes(); }

// switcherSync(), switcherFinishTurn(): void
void SwitcherSync(const Arguments& args) { Of(args)->switcher.Sync(); }
void SwitcherFinishTurn(const Arguments& args) { Of(args)->switcher.FinishTurn(); }

// meterStart(), meterStop(), meterReadMemory(): void
void MeterStart(const Arguments& args) { Of(args)->meter.Start(); }
void MeterStop(const Arguments& args) { Of(args)->meter.Stop(); }
void MeterReadMemory(const Arguments& args) { Of(args)->meter.ReadMemory(); }

// meterEvents(): number[] | undefined
void MeterEvents(const Arguments& args) { args.GetReturnValue().Set(Of(args)->meter.TakeEvents()); }

// ---- memory ----

// gcStart(), gcStop(): void
void GcStart(const Arguments& args) { Of(args)->gc.Start(); }
void GcStop(const Arguments& args) { Of(args)->gc.Stop(); }

// gcBeginMarking(): void
void GcBeginMarking(const Arguments& args) { Of(args)->gc.BeginMarking(); }

// gcTake(): GcWindow | undefined
void GcTake(const Arguments& args) { args.GetReturnValue().Set(Of(args)->gc.Take(ContextOf(args))); }

// heapLimitStart(onNear: () => void): void
void HeapLimitStart(const Arguments& args) {
  Of(args)->heap_limit.Start(ContextOf(args), args[0].As<v8::Function>());
}

// heapLimitStop(): void
void HeapLimitStop(const Arguments& args) { Of(args)->heap_limit.Stop(); }

// heapMark(): number
void HeapMark(const Arguments& args) {
  args.GetReturnValue().Set(static_cast<double>(Of(args)->gc.Mark()));
}

// peakHeapBytesSince(mark): number
void PeakHeapBytesSince(const Arguments& args) {
  const auto mark = static_cast<uint64_t>(NumberArgument(args, 0));
  args.GetReturnValue().Set(static_cast<double>(Of(args)->gc.HighestSince(mark)));
}

// mallocBytes(): { used, free } | undefined
void MallocBytes(const Arguments& args) {
  MallocInfo info;
  if (!ReadMallocInfo(&info)) return;
  js::ObjectBuilder object(args.GetIsolate(), ContextOf(args));
  object.SetNumber("used", static_cast<double>(info.used_bytes));
  object.SetNumber("free", static_cast<double>(info.free_bytes));
  args.GetReturnValue().Set(object.Done());
}

// ---- termination ----

// terminationStart(flush: (signal) => number, flushCapMillis): boolean
void TerminationStart(const Arguments& args) {
  Environment* environment = Of(args);
  const bool started = StartTermination(args.GetIsolate(), ContextOf(args),
                                        args[0].As<v8::Function>(), IntArgument(args, 1));
  environment->owns_termination = environment->owns_termination || started;
  args.GetReturnValue().Set(started);
}

// terminationArm(signal): void
void TerminationArm(const Arguments& args) {
  if (Of(args)->owns_termination) ArmTermination(IntArgument(args, 0));
}

// terminationStop(): void
void TerminationStop(const Arguments& args) {
  Environment* environment = Of(args);
  if (environment->owns_termination) StopTermination();
  environment->owns_termination = false;
}

// A worker's end unloads the addon if no other thread holds it, while V8's sampling thread or a
// pending signal may still be on its way into it: one more reference keeps it for good.
void KeepLoaded(v8::Isolate* isolate, v8::Local<v8::Object> module) {
  v8::Local<v8::Value> file;
  if (!module->Get(isolate->GetCurrentContext(), js::Text(isolate, "filename")).ToLocal(&file) ||
      !file->IsString()) {
    return;
  }
  static uv_lib_t keep;
  v8::String::Utf8Value path(isolate, file);
  uv_dlopen(*path, &keep);
}

}  // namespace

NODE_MODULE_INIT() {
  v8::Isolate* isolate = v8::Isolate::GetCurrent();
  auto* environment = new Environment(isolate);
  isolate->AddGCPrologueCallback(&OnCollection, environment);
  RegisterThreadClock();
  node::AddEnvironmentCleanupHook(isolate, &EndEnvironment, environment);
  KeepLoaded(isolate, module.As<v8::Object>());
  auto data = v8::External::New(isolate, environment
#if NODE_MAJOR_VERSION >= 26
                                , v8::kExternalPointerTypeTagDefault
#endif
  );
  auto set = [&](const char* name, v8::FunctionCallback callback) {
    v8::Local<v8::Function> function;
    if (!v8::Function::New(context, callback, data).ToLocal(&function)) return;
    exports->Set(context, js::Text(isolate, name), function).FromMaybe(false);
  };
  set("slotArray", SlotArray);
  set("readScope", ReadScope);
  set("useFrameOf", UseFrameOf);
  set("useShared", UseShared);
  set("scopesHold", ScopesHold);
  set("scopesFind", ScopesFind);
  set("scopesSweep", ScopesSweep);
  set("scopesUnpin", ScopesUnpin);
  set("scopesClear", ScopesClear);
  set("scopesHeld", ScopesHeld);
  set("threadCpuNanos", ThreadCpu);
  set("processCpuNanos", ProcessCpu);
  set("jsThreadsCpuNanos", JsThreadsCpu);
  set("monotonicNanos", Monotonic);
  set("cpuStart", CpuStartExport);
  set("cpuCollect", CpuCollect);
  set("cpuSeenScopes", CpuSeenScopes);
  set("cpuRuns", CpuRuns);
  set("cpuSampledScopes", CpuSampledScopes);
  set("cpuStop", CpuStop);
  set("heapStart", HeapStartExport);
  set("heapCollect", HeapCollect);
  set("heapAllocs", HeapAllocs);
  set("heapSeenScopes", HeapSeenScopes);
  set("heapStop", HeapStop);
  set("heapLiveBytes", HeapLiveBytes);
  set("billTable", BillTable);
  set("switcherStart", SwitcherStart);
  set("switcherStop", SwitcherStop);
  set("switcherWake", SwitcherWake);
  set("switcherSettle", SwitcherSettle);
  set("switcherCountBytes", SwitcherCountBytes);
  set("switcherBookBytes", SwitcherBookBytes);
  set("switcherSync", SwitcherSync);
  set("switcherFinishTurn", SwitcherFinishTurn);
  set("meterStart", MeterStart);
  set("meterStop", MeterStop);
  set("meterReadMemory", MeterReadMemory);
  set("meterEvents", MeterEvents);
  set("gcStart", GcStart);
  set("gcBeginMarking", GcBeginMarking);
  set("gcStop", GcStop);
  set("gcTake", GcTake);
  set("heapLimitStart", HeapLimitStart);
  set("heapLimitStop", HeapLimitStop);
  set("heapMark", HeapMark);
  set("peakHeapBytesSince", PeakHeapBytesSince);
  set("mallocBytes", MallocBytes);
  set("terminationStart", TerminationStart);
  set("terminationArm", TerminationArm);
  set("terminationStop", TerminationStop);
}

}  // namespace spanprof
