#include "sigprof.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <v8.h>

#include <atomic>
#include <mutex>

#include "cpu_sampler.h"
#include "memory_map.h"

namespace spanprof {

namespace {

using Handler = void (*)(int, siginfo_t*, void*);

// Read by the signal handler, so a thread-local must not be set up lazily there (that can take the
// loader's lock): initial-exec makes it one load relative to the thread pointer. musl sets up all
// thread-locals of a library when it loads it and refuses initial-exec.
#if defined(__GLIBC__)
__attribute__((tls_model("initial-exec")))
#endif
thread_local CpuSampler* thread_sampler = nullptr;

// Process-wide, because a signal's disposition is.
std::mutex chain_mutex;
int chain_users = 0;
struct sigaction action_below;
std::atomic<Handler> handler_below{nullptr};

// Thread: the one V8's sampling thread interrupts. Async-signal-safe: no allocation, no lock.
void OnSigprof(int signal, siginfo_t* info, void* context) {
  const int saved_errno = errno;
  const Handler below = handler_below.load(std::memory_order_acquire);
  if (CpuSampler* sampler = thread_sampler; sampler != nullptr && below != nullptr) {
    CpuTick tick = sampler->BeginTick();
    below(signal, info, context);
    sampler->EndTick(tick);
  } else if (below != nullptr) {
    below(signal, info, context);
  }
  errno = saved_errno;
}

// Whether a handler is code of the Node binary. (dladdr() would tell too, but its symbol asks for
// glibc 2.34, newer than Node 20's own floor.)
bool IsInNode(Handler handler) {
  const MemoryMap memory;
  const Mapping* node = memory.Find(reinterpret_cast<uintptr_t>(&v8::V8::GetVersion));
  const Mapping* found = memory.Find(reinterpret_cast<uintptr_t>(handler));
  return node != nullptr && found != nullptr && node->file == found->file;
}

bool HasNoHandler(const struct sigaction& action) {
  return (action.sa_flags & SA_SIGINFO) == 0 &&
         (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN);
}

}  // namespace

SigprofOwner CurrentSigprofOwner() {
  struct sigaction current;
  if (sigaction(SIGPROF, nullptr, &current) != 0) return SigprofOwner::kForeign;
  if (HasNoHandler(current)) return SigprofOwner::kNobody;
  if (current.sa_sigaction == &OnSigprof) return SigprofOwner::kUs;
  return IsInNode(current.sa_sigaction) ? SigprofOwner::kV8 : SigprofOwner::kForeign;
}

bool ChainSigprof() {
  std::lock_guard<std::mutex> lock(chain_mutex);
  struct sigaction current;
  if (sigaction(SIGPROF, nullptr, &current) != 0 || HasNoHandler(current)) return false;
  if (current.sa_sigaction == &OnSigprof) return true;
  // Someone who came after us chains to us; going on top of them again would make a loop.
  if (handler_below.load() != nullptr && current.sa_sigaction != handler_below.load()) return true;
  action_below = current;
  handler_below.store(current.sa_sigaction, std::memory_order_release);
  struct sigaction ours;
  memset(&ours, 0, sizeof ours);
  ours.sa_sigaction = &OnSigprof;
  sigemptyset(&ours.sa_mask);
  ours.sa_flags = SA_RESTART | SA_SIGINFO | SA_ONSTACK;
  return sigaction(SIGPROF, &ours, nullptr) == 0;
}

void UnchainSigprof() {
  std::lock_guard<std::mutex> lock(chain_mutex);
  if (chain_users > 0) return;
  struct sigaction current;
  if (sigaction(SIGPROF, nullptr, &current) != 0) return;
  if (current.sa_sigaction == &OnSigprof) sigaction(SIGPROF, &action_below, nullptr);
}

void SetThreadSampler(CpuSampler* sampler) {
  std::lock_guard<std::mutex> lock(chain_mutex);
  if (thread_sampler == nullptr && sampler != nullptr) chain_users++;
  if (thread_sampler != nullptr && sampler == nullptr) chain_users--;
  thread_sampler = sampler;
}

}  // namespace spanprof
