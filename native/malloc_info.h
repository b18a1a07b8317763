// What the C library's allocator holds, where it tells.
#ifndef SPANPROF_MALLOC_INFO_H_
#define SPANPROF_MALLOC_INFO_H_

#include <cstddef>

namespace spanprof {

struct MallocInfo {
  size_t used_bytes;  // handed out, mapped blocks included
  size_t free_bytes;  // kept for later
};

// False where the library does not tell: glibc does from 2.33 on. Any thread. Takes the allocator's
// locks one after the other and walks its free lists.
bool ReadMallocInfo(MallocInfo* info);

}  // namespace spanprof

#endif  // SPANPROF_MALLOC_INFO_H_
