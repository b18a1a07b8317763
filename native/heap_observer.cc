#include "heap_observer.h"

#include <malloc.h>
#include <string.h>

#include <algorithm>

#include "memory_map.h"

namespace spanprof {

// ---- the hot side ------------------------------------------------------------------------------
// Called by V8 in the middle of an allocation, on the isolate's thread, once per sample. Must not
// touch V8's heap; malloc is allowed. `address` is 0 when V8 only counts and takes no sample.

void HeapObserver::OnStep(void* observer, int bytes_allocated, Word address, size_t size) {
  const Word functions = *static_cast<Word*>(observer);
  const auto* table =
      reinterpret_cast<const Table*>(functions - offsetof(Table, words[kWordsBefore]));
  HeapObserver* self = table->owner;
  if (address != 0) {
    const int32_t scope = self->slot_->Read();
    self->NoteCollections();
    self->recent_.push_back(scope);
    self->meter_->OnSample(scope, size);
    self->allocs_->Note(size, scope);
  }
  const Word step = reinterpret_cast<const Word*>(self->original_vptr_)[kStep];
  reinterpret_cast<void (*)(void*, int, Word, size_t)>(step)(observer, bytes_allocated, address,
                                                              size);
}

// ---- finding the observer ----------------------------------------------------------------------

HeapObserver::Word* HeapObserver::ProfilerWords() const {
  return reinterpret_cast<Word*>(isolate_->GetHeapProfiler());
}

void HeapObserver::LookBefore() {
  // No further than it reaches: 19 words on Node 20, 16 on Node 24.
  profiler_words_ = static_cast<int>(
      std::min<size_t>(malloc_usable_size(ProfilerWords()) / sizeof(Word), kProfilerWords));
  memcpy(before_, ProfilerWords(), static_cast<size_t>(profiler_words_) * sizeof(Word));
  sampler_ = 0;
}

// V8 creates its SamplingHeapProfiler when sampling starts, so the word of HeapProfiler that went
// from 0 to a pointer points to it. It begins with the isolate.
void HeapObserver::FindSampler() {
  const MemoryMap memory;
  const Word* profiler = ProfilerWords();
  for (int at = 0; at < profiler_words_; at++) {
    const Word candidate = profiler[at];
    if (before_[at] != 0 || candidate == 0 || candidate % sizeof(Word) != 0) continue;
    if (!memory.IsReadable(candidate, sizeof(Word))) continue;
    if (*reinterpret_cast<Word*>(candidate) != reinterpret_cast<Word>(isolate_)) continue;
    sampler_at_ = at;
    sampler_ = candidate;
    return;
  }
}

bool HeapObserver::Attach(uint64_t interval_bytes) {
  recent_.clear();
  older_.clear();
  first_recent_ = 1;
  seen_upto_ = pinned_upto_ = 0;
  survivors_.Forget();
  observer_ = sampler_ == 0 ? nullptr : FindObserver(interval_bytes);
  if (observer_ == nullptr) return false;
  original_vptr_ = *observer_;
  table_ = std::make_unique<Table>();
  table_->owner = this;
  memcpy(table_->words, reinterpret_cast<Word*>(original_vptr_) - kWordsBefore,
         sizeof table_->words);
  table_->words[kWordsBefore + kStep] = reinterpret_cast<Word>(&OnStep);
  *observer_ = reinterpret_cast<Word>(&table_->words[kWordsBefore]);
  return true;
}

// In the sampler stands the observer:
//   [vptr][interval][the sampler itself][heap][random][interval]
// The interval is an odd number, so that it is not found by accident.
HeapObserver::Word* HeapObserver::FindObserver(uint64_t interval_bytes) const {
  const MemoryMap memory;
  auto* sampler = reinterpret_cast<Word*>(sampler_);
  const size_t words = std::min<size_t>(malloc_usable_size(sampler) / sizeof(Word), kSamplerWords);
  if (!memory.IsReadable(sampler_, words * sizeof(Word))) return nullptr;
  for (size_t i = 1; i + 5 < words; i++) {
    if (sampler[i + 1] != interval_bytes || sampler[i + 5] != interval_bytes) continue;
    if (sampler[i + 2] != sampler_) continue;
    const Word vtable = sampler[i];
    const Word first = vtable - kWordsBefore * sizeof(Word);
    if (vtable % sizeof(Word) != 0 || !memory.IsReadable(first, sizeof Table::words)) continue;
    const auto* functions = reinterpret_cast<const Word*>(vtable);
    if (std::all_of(functions, functions + kFunctions,
                    [&](Word function) { return memory.IsExecutable(function); })) {
      return sampler + i;
    }
  }
  return nullptr;
}

bool HeapObserver::IsSamplerOurs() const {
  if (sampler_ == 0) return true;
  if (ProfilerWords()[sampler_at_] != sampler_) return false;
  return table_ == nullptr || *observer_ == reinterpret_cast<Word>(&table_->words[kWordsBefore]);
}

void HeapObserver::Detach() {
  if (table_ == nullptr) return;
  if (IsSamplerOurs()) *observer_ = original_vptr_;
  table_.reset();
}

// ---- scopes of samples -------------------------------------------------------------------------

int32_t HeapObserver::ScopeOf(uint64_t sample_id) const {
  if (sample_id >= first_recent_) {
    const uint64_t at = sample_id - first_recent_;
    return at < recent_.size() ? recent_[at] : kNoScope;
  }
  auto found = older_.find(sample_id);
  return found == older_.end() ? kNoScope : found->second;
}

void HeapObserver::Keep(const std::vector<v8::AllocationProfile::Sample>& live, uint64_t upto) {
  std::unordered_map<uint64_t, int32_t> kept;
  for (const auto& sample : live) {
    if (sample.sample_id > upto) continue;
    const int32_t scope = ScopeOf(sample.sample_id);
    if (scope != kNoScope) kept.emplace(sample.sample_id, scope);
  }
  older_ = std::move(kept);
  if (upto < first_recent_) return;
  const size_t forgotten = std::min<size_t>(upto - first_recent_ + 1, recent_.size());
  recent_.erase(recent_.begin(), recent_.begin() + static_cast<ptrdiff_t>(forgotten));
  first_recent_ += forgotten;
  seen_upto_ -= std::min(seen_upto_, forgotten);
  pinned_upto_ -= std::min(pinned_upto_, forgotten);
}

std::vector<int32_t> HeapObserver::TakeScopesFrom(size_t* upto) const {
  std::vector<int32_t> scopes;
  for (; *upto < recent_.size(); ++*upto) {
    if (recent_[*upto] != kNoScope) scopes.push_back(recent_[*upto]);
  }
  std::sort(scopes.begin(), scopes.end());
  scopes.erase(std::unique(scopes.begin(), scopes.end()), scopes.end());
  return scopes;
}

}  // namespace spanprof
