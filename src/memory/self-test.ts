/**
 * The proof that heap labels are right on this Node, before any is published: two functions allocate
 * in two known scopes, and every sample of theirs must say so.
 */
import { SpanprofError } from '../errors.ts';
import { type Addon, HEAP_START, type HeapColumns } from '../native.ts';
import { HEAP_STACK_DEPTH } from './limits.ts';

/** Calls `fn` in a new scope and returns the scope's id. */
export type RunInScope = (fn: () => void) => number;

/** Small enough that a few hundred kilobytes give a few hundred samples; odd, as it must be. */
const INTERVAL_BYTES = 1_025;
const ARRAYS = 150;
const ARRAY_LENGTH = 128;
/** Some 150 samples each are expected; a tenth is more than chance. */
const MIN_SAMPLES = 15;

/**
 * Undefined if labels can be trusted, else the reason why not. Takes 2-3 ms.
 * Throws HEAP_PROFILER_BUSY if somebody else samples the heap.
 */
export function selfTest(addon: Addon, runInScope: RunInScope): string | undefined {
  const started = addon.heapStart(INTERVAL_BYTES, HEAP_STACK_DEPTH, true, 0);
  if (started === HEAP_START.busy) throw new SpanprofError('HEAP_PROFILER_BUSY');
  try {
    if (started !== HEAP_START.labelled) return "V8's sampler is not built as in the Nodes we know";
    const kept: unknown[] = [];
    const first = runInScope(() => spanprofSelfTestA(kept));
    const second = runInScope(() => spanprofSelfTestB(kept));
    const columns = addon.heapCollect();
    if (columns === undefined) return 'V8 gave no heap profile';
    return check(
      columns,
      new Map([
        ['spanprofSelfTestA', first],
        ['spanprofSelfTestB', second],
      ]),
    );
  } finally {
    addon.heapStop();
  }
}

function check(columns: HeapColumns, expected: ReadonlyMap<string, number>): string | undefined {
  const found = new Map<string, number>();
  for (let i = 0; i < columns.sampleNode.length; i++) {
    const name = allocatorOf(columns, columns.sampleNode[i] ?? 0, expected);
    if (name === undefined) continue;
    const scope = columns.sampleScope[i];
    if (scope !== expected.get(name))
      return `the self-test found scope ${scope} where ${expected.get(name)} allocated`;
    found.set(name, (found.get(name) ?? 0) + (columns.sampleObjects[i] ?? 0));
  }
  for (const name of expected.keys()) {
    if ((found.get(name) ?? 0) < MIN_SAMPLES)
      return 'the self-test found too few of its own allocations';
  }
  return undefined;
}

function allocatorOf(
  { strings, functions, nodeParent, nodeFunction }: HeapColumns,
  node: number,
  names: ReadonlyMap<string, number>,
): string | undefined {
  for (let at = node; at >= 0; at = nodeParent[at] ?? -1) {
    const name = strings[functions[(nodeFunction[at] ?? 0) * 4] ?? 0];
    if (name !== undefined && names.has(name)) return name;
  }
  return undefined;
}

// Two functions, so that a stack tells which. Named so that nobody wonders when they show up.
function spanprofSelfTestA(kept: unknown[]): void {
  for (let i = 0; i < ARRAYS; i++) kept.push(new Array(ARRAY_LENGTH).fill(i));
}
function spanprofSelfTestB(kept: unknown[]): void {
  for (let i = 0; i < ARRAYS; i++) kept.push(new Array(ARRAY_LENGTH).fill(i));
}
