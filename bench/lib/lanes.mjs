import { CLIENT_CORE, isPinned, MEASURED_CORE } from './process.mjs';

/** A question has used up its time; what it has measured counts. */
export class OutOfTime extends Error {
  constructor() {
    super('out of time');
  }
}

/**
 * What needs no client runs two at a time, one on each core.
 * @template Item @param {readonly Item[]} items @param {number} endMillis nothing begins after it
 * @param {(item: Item, core: number) => Promise<void>} work
 */
export async function inLanes(items, endMillis, work) {
  const queue = [...items];
  const lanes = isPinned ? [MEASURED_CORE, CLIENT_CORE] : [MEASURED_CORE];
  await Promise.all(
    lanes.map(async (core) => {
      for (let item = queue.shift(); item !== undefined; item = queue.shift()) {
        if (performance.now() > endMillis) throw new OutOfTime();
        await work(item, core);
      }
    }),
  );
}
