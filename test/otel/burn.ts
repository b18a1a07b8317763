/** Works until the process has used that much CPU time; the thread itself has used a little less. */
export function burn(millis: number): number {
  const start = process.cpuUsage();
  let x = 0;
  for (;;) {
    for (let i = 0; i < 20_000; i++) x += Math.sqrt(i + x);
    const { user, system } = process.cpuUsage(start);
    if ((user + system) / 1_000 >= millis) return x;
  }
}
