import { once } from 'node:events';
import { createServer } from 'node:http';
import { ConfigError, splitAddress } from '../config.ts';
import type { Metrics, ProcessName } from './metrics.ts';

/** Whether a process takes work, for those who start, stop and balance it. */
export class Health {
  readonly #process: ProcessName;
  readonly #metrics: Metrics;
  #isReady = false;

  constructor(process: ProcessName, metrics: Metrics) {
    this.#process = process;
    this.#metrics = metrics;
    this.setReady(false);
  }

  /** Says whether the worker runs, or the starter polls. */
  setReady(isReady: boolean): void {
    this.#isReady = isReady;
    this.#metrics.set('ready', isReady ? 1 : 0, { process: this.#process });
  }

  /**
   * Answers to GET `/live` with 200, and to `/ready` with 200 or 503.
   *
   * @param address IP address and port to listen on
   * @returns a call that stops it
   * @throws ConfigError where that is not possible
   */
  async serve(address: string): Promise<() => Promise<void>> {
    const server = createServer((request, response) => {
      const status = this.#status(request.url ?? '');
      response.writeHead(status, { 'content-type': 'text/plain' });
      response.end(`${status === 200 ? 'ok' : status === 503 ? 'not ready' : 'not found'}\n`);
    });
    const { host, port } = splitAddress(address);
    server.listen(port, host);
    try {
      await once(server, 'listening');
    } catch (error) {
      const { message } = error as Error;
      throw new ConfigError(`HEALTH_ADDRESS: ${address} can't be listened on: ${message}`, {
        cause: error,
      });
    }
    // Whatever else there is to wait for, a process isn't kept alive by this.
    server.unref();
    return async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    };
  }

  #status(path: string): 200 | 404 | 503 {
    if (path === '/live') return 200;
    if (path === '/ready') return this.#isReady ? 200 : 503;
    return 404;
  }
}
