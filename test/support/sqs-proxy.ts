import { createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { inject } from 'vitest';
import type { StackEndpoints } from '../../src/local/endpoints.ts';
import { afterwards } from './afterwards.ts';

/** A request to SQS that SQS has answered. */
export interface SqsCall {
  /** SQS's name of it, e.g. `SendMessage`. */
  readonly operation: string;
  /** What it asks for, JSON. */
  readonly body: string;
}

export interface SqsProxy {
  /** The stack, with the proxy in SQS's place. */
  readonly stack: StackEndpoints;
  /** Set by a test: holds an answer of SQS by awaiting something. */
  beforeAnswer: ((call: SqsCall) => Promise<unknown> | undefined) | undefined;
}

/** A proxy in front of a stack's SQS server, closed when the test ends: holds answers that a test picks. */
export async function sqsProxy(stack: StackEndpoints = inject('stack')): Promise<SqsProxy> {
  const { hostname, port } = new URL(stack.sqs.endpoint);
  const server = createServer(async (incoming, answer) => {
    const { method, url: path, headers } = incoming;
    const body = await text(incoming);
    const onward = request({ hostname, port, method, path, headers }, async (reply) => {
      const said = await text(reply);
      const operation = String(headers['x-amz-target']).replace(/^AmazonSQS\./, '');
      await proxy.beforeAnswer?.({ operation, body });
      answer.writeHead(reply.statusCode ?? 502, reply.headers).end(said);
    });
    onward.on('error', () => answer.destroy());
    onward.end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterwards(async () => {
    server.close();
    server.closeAllConnections();
  });
  const { port: own } = server.address() as AddressInfo;
  const proxy: SqsProxy = {
    stack: { ...stack, sqs: { ...stack.sqs, endpoint: `http://127.0.0.1:${own}` } },
    beforeAnswer: undefined,
  };
  return proxy;
}
