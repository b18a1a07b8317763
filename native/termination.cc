#include "termination.h"

#include <errno.h>
#include <fcntl.h>
#include <node.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include <uv.h>

#include <atomic>

namespace spanprof {

namespace {

// JavaScript that reacts at all reacts within this time, through the interrupt or the event loop.
constexpr int kPickupMillis = 500;
constexpr int kMaxSignal = 64;
constexpr unsigned char kQuit = 0;

// What TypeScript answers; the order of TERMINATION in src/native.ts.
enum Answer : int32_t { kSwallow, kPassOn, kDeliver };

struct Termination {
  v8::Isolate* isolate;
  v8::Global<v8::Context> context;
  v8::Global<v8::Function> flush;
  uv_async_t wake;
  uv_thread_t helper;
  int signal_read, signal_write;  // handler → helper
  int done_read, done_write;      // main thread → helper
  int flush_cap_millis;
  std::atomic<int> pending{0};
  std::atomic<bool> picked_up{false};
  std::atomic<uint32_t> interrupts{0};  // asked for so far
  struct sigaction before[kMaxSignal + 1];
  bool armed[kMaxSignal + 1];
};

// Process-wide, because a signal's disposition is. Set and cleared on the main thread; never freed
// while a handler may run.
Termination* current = nullptr;
std::atomic<int> signal_write_fd{-1};

// How long a signal that the program sends itself waits for the helper thread.
constexpr int kSelfSentMillis = 50;

// Any thread. Async-signal-safe: one write, and a short wait.
void OnFatalSignal(int signal, siginfo_t* info, void*) {
  const int saved_errno = errno;
  const Termination* self = current;
  const uint32_t before = self == nullptr ? 0 : self->interrupts.load();
  const unsigned char byte = static_cast<unsigned char>(signal);
  const int fd = signal_write_fd.load(std::memory_order_acquire);
  if (fd >= 0) {
    while (write(fd, &byte, 1) < 0 && errno == EINTR) {
    }
    // A program that kills itself does not come back from kill(): no JavaScript may run before the
    // interrupt is in place.
    const bool self_sent = info->si_code == SI_USER && info->si_pid == getpid();
    for (int i = 0; self != nullptr && self_sent && i < kSelfSentMillis * 10; i++) {
      if (self->interrupts.load() != before) break;
      const timespec pause{0, 100'000};
      nanosleep(&pause, nullptr);
    }
  }
  errno = saved_errno;
}

// Lets `signal` do what it would have done without us. Any thread.
void PassOn(Termination* self, int signal) {
  sigaction(signal, &self->before[signal], nullptr);
  kill(getpid(), signal);
}

// Main thread, from the event loop or from an interrupt of running JavaScript. The process ends
// right after, so re-entering the interrupted program can do it no harm.
void Flush(Termination* self) {
  const int signal = self->pending.exchange(0);
  if (signal == 0) return;
  self->picked_up = true;
  v8::HandleScope handles(self->isolate);
  v8::Local<v8::Context> context = self->context.Get(self->isolate);
  v8::Context::Scope scope(context);
  v8::TryCatch guard(self->isolate);
  v8::MicrotasksScope microtasks(context, v8::MicrotasksScope::kDoNotRunMicrotasks);
  v8::Local<v8::Value> argument = v8::Integer::New(self->isolate, signal);
  v8::Local<v8::Value> result;
  int32_t answer = kPassOn;
  if (self->flush.Get(self->isolate)
          ->Call(context, v8::Undefined(self->isolate), 1, &argument)
          .ToLocal(&result) &&
      result->IsInt32()) {
    answer = result.As<v8::Int32>()->Value();
  }
  const unsigned char done = 1;
  if (write(self->done_write, &done, 1) < 0) return;
  if (answer == kPassOn) PassOn(self, signal);
  if (answer == kDeliver) kill(getpid(), signal);
}

void OnWake(uv_async_t* wake) { Flush(static_cast<Termination*>(wake->data)); }
void OnInterrupt(v8::Isolate*, void* self) { Flush(static_cast<Termination*>(self)); }

bool ReadByte(int fd, int wait_millis, unsigned char* byte) {
  pollfd poller{fd, POLLIN, 0};
  int ready;
  while ((ready = poll(&poller, 1, wait_millis)) < 0 && errno == EINTR) {
  }
  return ready > 0 && read(fd, byte, 1) == 1;
}

void HelperMain(void* argument) {
  auto* self = static_cast<Termination*>(argument);
  // Signals are for the program's threads. (sigprocmask sets the calling thread's mask on Linux;
  // pthread_sigmask asks for a newer glibc than Node 20 does.)
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_BLOCK, &all, nullptr);
  unsigned char signal;
  while (ReadByte(self->signal_read, -1, &signal) && signal != kQuit) {
    self->picked_up = false;
    self->pending = signal;
    self->isolate->RequestInterrupt(&OnInterrupt, self);
    self->interrupts++;
    uv_async_send(&self->wake);
    unsigned char end = 1;
    bool answered = ReadByte(self->done_read, kPickupMillis, &end);
    if (!answered && self->picked_up) {
      answered = ReadByte(self->done_read, self->flush_cap_millis, &end);
    }
    if (!answered) PassOn(self, signal);
  }
}

bool MakePipe(int* read_end, int* write_end) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return false;
  *read_end = ends[0];
  *write_end = ends[1];
  return true;
}

}  // namespace

bool StartTermination(v8::Isolate* isolate, v8::Local<v8::Context> context,
                      v8::Local<v8::Function> flush, int flush_cap_millis) {
  if (current != nullptr) return false;
  auto* self = new Termination();
  memset(self->armed, 0, sizeof self->armed);
  if (!MakePipe(&self->signal_read, &self->signal_write)) {
    delete self;
    return false;
  }
  if (!MakePipe(&self->done_read, &self->done_write)) {
    close(self->signal_read);
    close(self->signal_write);
    delete self;
    return false;
  }
  self->isolate = isolate;
  self->context.Reset(isolate, context);
  self->flush.Reset(isolate, flush);
  self->flush_cap_millis = flush_cap_millis;
  self->wake.data = self;
  uv_async_init(node::GetCurrentEventLoop(isolate), &self->wake, &OnWake);
  uv_unref(reinterpret_cast<uv_handle_t*>(&self->wake));
  signal_write_fd = self->signal_write;
  current = self;
  if (uv_thread_create(&self->helper, &HelperMain, self) != 0) {
    StopTermination();
    return false;
  }
  return true;
}

void ArmTermination(int signal) {
  Termination* self = current;
  if (self == nullptr || signal <= 0 || signal > kMaxSignal) return;
  struct sigaction found;
  if (sigaction(signal, nullptr, &found) != 0) return;
  if ((found.sa_flags & SA_SIGINFO) != 0 && found.sa_sigaction == &OnFatalSignal) return;
  if ((found.sa_flags & SA_SIGINFO) == 0 && found.sa_handler == SIG_IGN) return;
  // Taken: the default action, or Node's own last act (it restores the terminal and raises again;
  // told by SA_RESETHAND). Anything else is somebody's handler.
  const bool is_default = (found.sa_flags & SA_SIGINFO) == 0 && found.sa_handler == SIG_DFL;
  if (!is_default && (found.sa_flags & SA_RESETHAND) == 0) return;
  self->before[signal] = found;
  self->armed[signal] = true;
  struct sigaction ours;
  memset(&ours, 0, sizeof ours);
  ours.sa_sigaction = &OnFatalSignal;
  sigfillset(&ours.sa_mask);
  ours.sa_flags = SA_RESTART | SA_SIGINFO | SA_ONSTACK;
  sigaction(signal, &ours, nullptr);
}

void StopTermination() {
  Termination* self = current;
  if (self == nullptr) return;
  current = nullptr;
  for (int signal = 1; signal <= kMaxSignal; signal++) {
    if (!self->armed[signal]) continue;
    struct sigaction found;
    if (sigaction(signal, nullptr, &found) == 0 && (found.sa_flags & SA_SIGINFO) != 0 &&
        found.sa_sigaction == &OnFatalSignal) {
      sigaction(signal, &self->before[signal], nullptr);
    }
  }
  signal_write_fd = -1;
  // The helper may be waiting for this thread: that signal does its default once it is gone.
  const unsigned char go_on = 0, quit = kQuit;
  if (write(self->done_write, &go_on, 1) == 1 && write(self->signal_write, &quit, 1) == 1) {
    uv_thread_join(&self->helper);
  }
  const int pending = self->pending.exchange(0);
  if (pending != 0) kill(getpid(), pending);
  close(self->signal_read);
  close(self->signal_write);
  close(self->done_read);
  close(self->done_write);
  self->flush.Reset();
  self->context.Reset();
  uv_close(reinterpret_cast<uv_handle_t*>(&self->wake),
           [](uv_handle_t* handle) { delete static_cast<Termination*>(handle->data); });
}

}  // namespace spanprof
