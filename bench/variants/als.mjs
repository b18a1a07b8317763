/** An AsyncLocalStorage of the application's own: what following a context costs at least. */
import { AsyncLocalStorage } from 'node:async_hooks';

const storage = new AsyncLocalStorage();
export const wrap = (labels, fn) => storage.run(labels, fn);
