import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';

/** Passes everything on to a server and remembers what became of each push. */
export class CountingProxy {
  /** Status of the answer to each push, in order. */
  readonly statuses: number[] = [];
  readonly #target: string;
  readonly #server: http.Server;

  constructor(target: string) {
    this.#target = target;
    this.#server = http.createServer((request, response) => {
      const { method = 'GET', url = '', headers } = request;
      const onward = http.request(this.#target + url, { method, headers }, (answer) => {
        const { statusCode = 0 } = answer;
        if (method === 'POST') this.statuses.push(statusCode);
        response.writeHead(statusCode, answer.headers);
        answer.pipe(response);
      });
      onward.on('error', () => response.destroy());
      request.pipe(onward);
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async up(): Promise<this> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return this;
  }

  async down(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }
}
