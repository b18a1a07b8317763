#include "malloc_info.h"

#include <uv.h>

#include <initializer_list>

namespace spanprof {

namespace {

// glibc's `struct mallinfo2`; the headers of the build may be older, or newer than the system.
struct Mallinfo2 {
  size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
};
using Function = Mallinfo2 (*)();

// Asked for at run time, and through libuv: both mallinfo2() and dlsym() themselves ask for a newer
// glibc than Node 20 does.
Function Find() {
  uv_lib_t program;
  if (uv_dlopen(nullptr, &program) != 0) return nullptr;
  void* found = nullptr;
  // With another allocator in its place glibc's own holds next to nothing and would say so.
  for (const char* other : {"mallctl", "mi_version"}) {
    if (uv_dlsym(&program, other, &found) == 0) {
      uv_dlclose(&program);
      return nullptr;
    }
  }
  if (uv_dlsym(&program, "mallinfo2", &found) != 0) found = nullptr;
  uv_dlclose(&program);
  return reinterpret_cast<Function>(found);
}

}  // namespace

bool ReadMallocInfo(MallocInfo* info) {
  static const Function mallinfo2 = Find();
  if (mallinfo2 == nullptr) return false;
  const Mallinfo2 found = mallinfo2();
  info->used_bytes = found.uordblks + found.hblkhd;
  info->free_bytes = found.fordblks;
  return true;
}

}  // namespace spanprof
