// A service of two agents under load. Asked with 'figures', it says what its requests have cost since it was
// last asked. 'unknown', 'hanging' and 'known' decide what becomes of look-ups of pyroscope.test; 'block'
// does what no profiler may.
import dns from 'node:dns';
import http from 'node:http';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { run, status } from 'spanprof';

const rows = JSON.stringify(Array.from({ length: 400 }, (_, i) => ({ i, text: `row ${i}` })));
let requests = 0;
async function work() {
  const list = JSON.parse(rows);
  await null;
  list.sort((a, b) => b.i - a.i);
  return JSON.stringify(list);
}
const server = http.createServer((_, response) => {
  requests += 1;
  const labels = {
    agent_name: requests % 2 === 0 ? 'planner' : 'writer',
    invocation_id: `${requests}`,
  };
  void run(labels, work).then((text) => response.end(text));
});

let mood = 'known';
const original = dns.lookup;
dns.lookup = (name, options, callback) => {
  if (name !== 'pyroscope.test') return original(name, options, callback);
  const answer = () => {
    if (mood === 'hanging') setTimeout(answer, 20).unref();
    else original(mood === 'known' ? '127.0.0.1' : `${'x'.repeat(64)}.invalid`, options, callback);
  };
  answer();
};

const delays = monitorEventLoopDelay({ resolution: 1 });
delays.enable();
let cpu = process.cpuUsage();
process.on('message', (message) => {
  if (message === 'block') {
    for (const end = performance.now() + 1_500; performance.now() < end; );
  } else if (message !== 'figures') {
    mood = message;
  } else {
    const { user, system } = process.cpuUsage(cpu);
    const millis = (nanos) => nanos / 1e6;
    process.send({
      cpuMicros: (user + system) / requests,
      requests,
      delayMillis: {
        p50: millis(delays.percentile(50)),
        p99: millis(delays.percentile(99)),
        max: millis(delays.max),
      },
      exporter: status().exporters[0],
    });
    delays.reset();
    requests = 0;
    cpu = process.cpuUsage();
  }
});
server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }));
