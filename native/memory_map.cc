#include "memory_map.h"

#include <stdio.h>
#include <string.h>

namespace spanprof {

MemoryMap::MemoryMap() {
  FILE* maps = fopen("/proc/self/maps", "re");
  if (maps == nullptr) return;
  char line[4352];
  while (fgets(line, sizeof line, maps) != nullptr) {
    unsigned long low = 0, high = 0;
    char flags[5] = "";
    int file_at = 0;
    if (sscanf(line, "%lx-%lx %4s %*s %*s %*s %n", &low, &high, flags, &file_at) < 3) continue;
    if (file_at == 0) continue;
    line[strcspn(line, "\n")] = '\0';
    mappings_.push_back({low, high, flags[0] == 'r', flags[2] == 'x', line + file_at});
  }
  fclose(maps);
}

const Mapping* MemoryMap::Find(uintptr_t address, size_t size) const {
  for (const Mapping& mapping : mappings_) {
    if (address >= mapping.low && address < mapping.high) {
      return size <= mapping.high - address ? &mapping : nullptr;
    }
  }
  return nullptr;
}

bool MemoryMap::IsReadable(uintptr_t address, size_t size) const {
  const Mapping* mapping = Find(address, size);
  return mapping != nullptr && mapping->readable;
}

bool MemoryMap::IsExecutable(uintptr_t address) const {
  const Mapping* mapping = Find(address);
  return mapping != nullptr && mapping->executable;
}

}  // namespace spanprof
