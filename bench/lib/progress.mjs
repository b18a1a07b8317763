/** Says what runs and how long all of it will still take. */

/** @param {readonly { name: string, seconds: number }[]} plan what will run, with what each may take */
export function progressOf(plan) {
  const begin = performance.now();
  let current = -1;
  let currentBegin = begin;
  const secondsLeft = () => {
    const later = plan.slice(current + 1).reduce((sum, { seconds }) => sum + seconds, 0);
    const now = (plan[current]?.seconds ?? 0) - (performance.now() - currentBegin) / 1000;
    return later + Math.max(now, 0);
  };
  return {
    next() {
      current++;
      currentBegin = performance.now();
    },
    /** @param {string} text */
    say(text) {
      const minutes = Math.floor((performance.now() - begin) / 60_000);
      const seconds = Math.floor(((performance.now() - begin) % 60_000) / 1000);
      const clock = `${minutes}:${String(seconds).padStart(2, '0')}`;
      const left = Math.max(1, Math.ceil(secondsLeft() / 60));
      console.log(`${clock.padStart(6)}, some ${left} min left | ${plan[current]?.name}: ${text}`);
    },
  };
}
