/**
 * What no profiler that takes its samples with V8 and follows an async context can be cheaper than: both
 * samplers of V8 at our rates, never read, and each owner in an AsyncLocalStorage.
 */
import { Session } from 'node:inspector';

export { wrap } from './als.mjs';

const session = new Session();
session.connect();
session.post('Profiler.enable');
session.post('Profiler.setSamplingInterval', { interval: 10_000 });
session.post('Profiler.start');
session.post('HeapProfiler.startSampling', { samplingInterval: 524_288 });
