import { expect } from 'vitest';
import { describeUnchanged, functionsOf, program, typesOf } from '../helpers/unchanged.ts';

describeUnchanged('a program with four workers', {
  run: program('test/programs/real/workers.mjs'),
  code: 7,
  stdout: /^worker throw: answer 200144: error thrown in a worker: code 1$/m,
  hot: /^work$/,
  inspect: (files, { processId }) => {
    const threads = new Set(files.flatMap(({ threadId }) => threadId ?? []));
    expect(threads.size).toBe(4);
    for (const thread of threads) {
      expect(typesOf(files, processId, thread)).toEqual(['allocs', 'cpu', 'heap', 'wall']);
      const own = files.filter(({ threadId }) => threadId === thread);
      expect(functionsOf(own, 'cpu')).toContain('work');
    }
    // The main thread only waits: the work must not be found in its profiles.
    const main = files.filter(({ threadId }) => threadId === undefined);
    expect(functionsOf(main, 'cpu')).not.toContain('work');
  },
});

describeUnchanged('a program that starts others in every way', {
  run: program('test/programs/real/forks.cjs'),
  code: 6,
  stdout: /^cluster: code null, signal SIGTERM; code null, signal SIGTERM$/m,
  hot: /^work$/,
  inspect: (files, { processId }) => {
    const children = new Set(files.map((file) => file.processId).filter((id) => id !== processId));
    // Forked, spawned, the killed one, the primary of the cluster and its two workers at least.
    expect(children.size).toBeGreaterThanOrEqual(6);
    const working = [...children].filter((id) =>
      functionsOf(
        files.filter((file) => file.processId === id),
        'cpu',
      ).includes('work'),
    );
    expect(working.length).toBe(4);
  },
});

describeUnchanged('a program with much to say at its end', {
  run: program('test/programs/real/last-words.cjs'),
  code: 9,
  stdout: /no newline at the end$/,
  hot: /./,
});
