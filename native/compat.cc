// Keeps the addon loadable on the oldest systems that Node 20 runs on.
#include <cstdlib>

namespace std {

// Called by containers when asked for more elements than can exist. libstdc++ has it since GCC 11
// (GLIBCXX_3.4.29); Node 20 itself asks for GLIBCXX_3.4.21 only.
__attribute__((visibility("hidden"))) void __throw_bad_array_new_length() { abort(); }

}  // namespace std
