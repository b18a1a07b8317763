// The SIGPROF chain: our handler sits on top of V8's, which takes the stack.
//
// V8 installs its handler when the first CPU profile of the process starts and puts back what was
// there before when the last one stops, without looking at what came on top meanwhile. So ours is
// checked, and set again, at the start of every window.
#ifndef SPANPROF_SIGPROF_H_
#define SPANPROF_SIGPROF_H_

namespace spanprof {

class CpuSampler;

enum class SigprofOwner { kNobody, kV8, kUs, kForeign };

// Who handles SIGPROF now. Foreign: code outside of the Node binary that is not ours.
SigprofOwner CurrentSigprofOwner();

// Puts our handler over V8's, which must be in place. False if V8's is not there.
bool ChainSigprof();
// Gives V8's handler its place back when no sampler of ours is left.
void UnchainSigprof();

// The sampler of this thread; nullptr when it has none.
void SetThreadSampler(CpuSampler* sampler);

}  // namespace spanprof

#endif  // SPANPROF_SIGPROF_H_
