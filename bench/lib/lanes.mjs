import { CLIENT_CORE, isPinned, MEASURED_CORE } from './process.mjs';

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
        if (performance.now() > endMillis) throw new Error('out of time');
        await work(item, core);
      }
    }),
  );
}
