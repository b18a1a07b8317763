/**
 * The load: keep-alive connections that send the next request when the last is answered, over plain
 * sockets so that it takes less CPU time than the server. Also the waiting model, on a port of its own.
 * A process of its own, on another core; ends when bench/run.mjs ends it.
 */
import { createServer } from 'node:http';
import { connect } from 'node:net';

const LLM_MILLIS = 15;
const llm = createServer((request, response) => {
  request.resume();
  request.on('end', () => {
    setTimeout(() => response.end('{"choices":[{"message":{"content":"go on"}}]}'), LLM_MILLIS);
  });
}).listen(0, '127.0.0.1', () => process.send?.({ type: 'ready', llmPort: llm.address().port }));
llm.keepAliveTimeout = 60_000;

/** Ends and durations of all requests. */
const ends = [];
const durations = [];

// Nobody asks any more.
process.on('disconnect', () => process.exit());
process.on('message', (message) => {
  if (message.type === 'go') for (let i = 0; i < message.connections; i++) open(message);
  if (message.type === 'report') report(message);
});

function open({ port, body }) {
  const request = `POST / HTTP/1.1\r\nhost: bench\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  const socket = connect(port, '127.0.0.1').setNoDelay(true).setEncoding('latin1');
  let begin = 0;
  let text = '';
  let need = -1;
  const send = () => {
    begin = performance.now();
    text = '';
    need = -1;
    socket.write(request);
  };
  socket.on('connect', send);
  socket.on('data', (chunk) => {
    text += chunk;
    if (need === -1) {
      const head = text.indexOf('\r\n\r\n');
      if (head === -1) return;
      const length = /content-length: (\d+)/i.exec(text)?.[1];
      if (length === undefined) throw new Error(`no length in ${text.slice(0, 200)}`);
      need = head + 4 + Number(length);
    }
    if (text.length < need) return;
    const now = performance.now();
    ends.push(performance.timeOrigin + now);
    durations.push(now - begin);
    send();
  });
  // The server is ended when it has its result.
  socket.on('error', () => {});
}

function report({ beginEpochMillis, endEpochMillis }) {
  const within = durations
    .filter((_, i) => ends[i] >= beginEpochMillis && ends[i] <= endEpochMillis)
    .sort((a, b) => a - b);
  const at = (share) => within[Math.floor((within.length - 1) * share)];
  process.send?.({
    type: 'latency',
    p50Millis: at(0.5),
    p99Millis: at(0.99),
    maxMillis: at(1),
    count: within.length,
  });
}
