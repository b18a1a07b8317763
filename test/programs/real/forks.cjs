// A program that starts others in every way Node has: fork, spawn, exec, execFileSync and cluster.
const { exec, execFileSync, fork, spawn } = require('node:child_process');
const cluster = require('node:cluster');
const http = require('node:http');
const { promisify } = require('node:util');

const cpuMillis = () => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};

/** CPU time, not time: on a busy machine a process may get next to nothing of 50 ms. */
const work = (millis) => {
  const end = cpuMillis() + millis;
  let text = '';
  while (cpuMillis() < end) text = (text + Math.sqrt(text.length)).slice(-10_000);
};

const role = process.argv[2];
if (role === 'forked') forked();
else if (role === 'spawned') spawned();
else if (role === 'cluster') void clustered();
else void main();

function forked() {
  process.on('message', (message) => {
    work(1_200);
    process.send({ doubled: message.number * 2 }, () => process.disconnect());
    process.exitCode = 4;
  });
}

function spawned() {
  work(1_200);
  process.stdout.write('from spawned\n');
  process.stdin.resume().on('end', () => process.exit(5));
}

async function clustered() {
  if (cluster.isWorker) {
    const server = http.createServer((_request, response) => {
      work(50);
      response.end(`worker ${cluster.worker.id}`);
    });
    server.listen(0, '127.0.0.1');
    return;
  }
  const exits = [];
  for (let i = 0; i < 2; i++) {
    const worker = cluster.fork();
    const { port } = await new Promise((resolve) => worker.once('listening', resolve));
    const answers = [];
    for (let n = 0; n < 10; n++)
      answers.push(await (await fetch(`http://127.0.0.1:${port}`)).text());
    console.log(`cluster: ${new Set(answers).size} kind of answer from ${i + 1}`);
    const exited = new Promise((resolve) => {
      worker.once('exit', (code, signal) => resolve(`code ${code}, signal ${signal}`));
    });
    worker.kill('SIGTERM');
    exits.push(await exited);
  }
  console.log(`cluster: ${exits.join('; ')}`);
}

async function main() {
  const child = fork(__filename, ['forked']);
  child.send({ number: 21 });
  child.once('message', (message) => console.log(`fork: ${message.doubled}`));
  console.log(`fork: code ${await ended(child)}`);

  const other = spawn(process.execPath, [...process.execArgv, __filename, 'spawned'], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  other.stdout.pipe(process.stdout);
  other.stdin.end();
  console.log(`spawn: code ${await ended(other)}`);

  const idle = 'console.log("up"); setInterval(() => {}, 1e3)';
  const killed = spawn(process.execPath, [...process.execArgv, '-e', idle]);
  await new Promise((resolve) => killed.stdout.once('data', resolve));
  killed.kill('SIGTERM');
  await ended(killed);
  console.log(`spawn: signal ${killed.signalCode}`);

  const command = `${JSON.stringify(process.execPath)} -p "6 * 7"`;
  console.log(`exec: ${(await promisify(exec)(command)).stdout.trim()}`);
  console.log(
    `execFileSync: ${execFileSync(process.execPath, ['-p', '1 + 1'], { encoding: 'utf8' }).trim()}`,
  );

  const primary = spawn(process.execPath, [...process.execArgv, __filename, 'cluster'], {
    stdio: 'inherit',
  });
  console.log(`cluster: code ${await ended(primary)}`);
  process.exit(6);
}

function ended(child) {
  return new Promise((resolve) => child.once('close', (code) => resolve(code)));
}
