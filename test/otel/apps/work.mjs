/** Work to be seen in profiles, and time for what runs beside it. */

/** Keeps the CPU busy for that much of this thread's CPU time, in the caller's name. */
export function burn(millis) {
  const start = process.cpuUsage();
  let x = 0;
  for (;;) {
    for (let i = 0; i < 20_000; i++) x += Math.sqrt(i + x);
    const { user, system } = process.cpuUsage(start);
    if ((user + system) / 1000 >= millis) return x;
  }
}
