import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What has passed between a competitor and S3. Bytes are those of objects, without headers. */
export interface Traffic {
  requests: number;
  bytesRead: number;
  bytesWritten: number;
}

/** A proxy in front of an S3 server that counts what passes. */
export interface S3Counter {
  readonly endpoint: string;
  readonly traffic: Readonly<Traffic>;
  close(): Promise<void>;
}

/**
 * Starts a proxy that passes requests on to S3 as they are, the signed Host header included. It costs
 * time of its own: what goes through it is counted, not timed.
 */
export async function startS3Counter(s3Endpoint: string): Promise<S3Counter> {
  const target = new URL(s3Endpoint);
  const traffic: Traffic = { requests: 0, bytesRead: 0, bytesWritten: 0 };
  const server = createServer((incoming, answer) => {
    traffic.requests += 1;
    incoming.on('data', (chunk: Buffer) => {
      traffic.bytesWritten += chunk.length;
    });
    passOn(target, incoming, answer, (bytes) => {
      traffic.bytesRead += bytes;
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    endpoint: `http://127.0.0.1:${port}`,
    traffic,
    close: async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function passOn(
  { hostname, port }: URL,
  incoming: IncomingMessage,
  answer: ServerResponse,
  count: (bytes: number) => void,
): void {
  const { method, url: path, headers } = incoming;
  const onward = request({ hostname, port, method, path, headers }, (reply) => {
    answer.writeHead(reply.statusCode ?? 502, reply.headers);
    reply.on('data', (chunk: Buffer) => count(chunk.length));
    reply.on('error', () => answer.destroy()).pipe(answer);
  });
  onward.on('error', () => answer.destroy());
  answer.once('close', () => onward.destroy());
  incoming.pipe(onward);
}
