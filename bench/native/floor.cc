// What the end of a CPU window costs V8 itself: start the next profile, stop the one that ends, walk its
// tree, read its samples, free it. Nothing is labelled, copied or encoded.
#include <node.h>
#include <time.h>
#include <v8-profiler.h>

namespace {

v8::CpuProfiler* profiler = nullptr;
v8::ProfilerId running = 0;

double NowMillis() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) * 1e3 + static_cast<double>(now.tv_nsec) / 1e6;
}

v8::ProfilerId StartProfile() {
  return profiler
      ->Start(v8::CpuProfilingOptions(v8::kLeafNodeLineNumbers, v8::CpuProfilingOptions::kNoSampleLimit))
      .id;
}

// start(intervalMicros)
void Start(const v8::FunctionCallbackInfo<v8::Value>& args) {
  profiler = v8::CpuProfiler::New(args.GetIsolate(), v8::kDebugNaming, v8::kLazyLogging);
  profiler->SetSamplingInterval(args[0].As<v8::Int32>()->Value());
  running = StartProfile();
}

// The reads must not be optimised away.
volatile uint64_t consumed = 0;

size_t Walk(const v8::CpuProfileNode* node) {
  size_t count = 1;
  consumed = consumed + node->GetHitCount() + static_cast<uint64_t>(node->GetLineNumber()) +
             static_cast<uint64_t>(node->GetFunctionNameStr()[0]);
  for (int i = 0; i < node->GetChildrenCount(); i++) count += Walk(node->GetChild(i));
  return count;
}

// turn(): [restart, stop, walk, samples, free] in milliseconds, then the numbers of nodes and samples
void Turn(const v8::FunctionCallbackInfo<v8::Value>& args) {
  v8::Isolate* isolate = args.GetIsolate();
  double times[6];
  times[0] = NowMillis();
  const v8::ProfilerId ended = running;
  running = StartProfile();
  times[1] = NowMillis();
  v8::CpuProfile* profile = profiler->Stop(ended);
  times[2] = NowMillis();
  const size_t nodes = Walk(profile->GetTopDownRoot());
  times[3] = NowMillis();
  const int samples = profile->GetSamplesCount();
  for (int i = 0; i < samples; i++) {
    consumed = consumed + reinterpret_cast<uintptr_t>(profile->GetSample(i)) +
               static_cast<uint64_t>(profile->GetSampleTimestamp(i));
  }
  times[4] = NowMillis();
  profile->Delete();
  times[5] = NowMillis();
  v8::Local<v8::Value> values[7];
  for (int i = 0; i < 5; i++) values[i] = v8::Number::New(isolate, times[i + 1] - times[i]);
  values[5] = v8::Number::New(isolate, static_cast<double>(nodes));
  values[6] = v8::Number::New(isolate, samples);
  args.GetReturnValue().Set(v8::Array::New(isolate, values, 7));
}

}  // namespace

NODE_MODULE_INIT() {
  NODE_SET_METHOD(exports, "start", Start);
  NODE_SET_METHOD(exports, "turn", Turn);
}
