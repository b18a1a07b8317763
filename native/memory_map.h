// What is mapped where in this process, by the kernel's own list.
#ifndef SPANPROF_MEMORY_MAP_H_
#define SPANPROF_MEMORY_MAP_H_

#include <cstdint>
#include <string>
#include <vector>

namespace spanprof {

struct Mapping {
  uintptr_t low;
  uintptr_t high;
  bool readable;
  bool executable;
  std::string file;
};

// Reading takes about 0.2 ms: once per question, not per address.
class MemoryMap {
 public:
  MemoryMap();
  // The mapping that holds `size` bytes from `address` on; nullptr if none does.
  const Mapping* Find(uintptr_t address, size_t size = 1) const;
  bool IsReadable(uintptr_t address, size_t size) const;
  bool IsExecutable(uintptr_t address) const;

 private:
  std::vector<Mapping> mappings_;
};

}  // namespace spanprof

#endif  // SPANPROF_MEMORY_MAP_H_
