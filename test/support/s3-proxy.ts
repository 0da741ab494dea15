import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { PassThrough, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setImmediate } from 'node:timers/promises';
import { inject } from 'vitest';
import type { StackEndpoints } from '../../src/local/endpoints.ts';
import { afterwards } from './afterwards.ts';

/** More than a part that a worker puts together in memory. */
const MAX_HELD_BYTES = 64 * 1024 * 1024;

/** Turns of the event loop, of which the end of a connection on this machine takes two or three. */
const SOCKET_TURNS = 10;

/** A request to S3, as the proxy has seen it. */
export interface S3Call {
  /** S3's name of it, e.g. `UploadPartCopy`. */
  readonly operation: string;
  /** The object's key; empty for calls on a bucket. */
  readonly key: string;
  /** The part of a multipart upload; NaN where the call is of none. */
  readonly part: number;
  /** The first byte that a read asks for; NaN where the call is no read of a range. */
  readonly rangeStart: number;
  /** The answer's status; undefined until there is one, and where the caller has gone away before. */
  status?: number;
  /** Set once the caller has gone away without a whole answer. */
  isAbandoned?: true;
}

/** An answer that the proxy gives in S3's place. */
export interface Refusal {
  readonly status: number;
  /** S3's error code, e.g. `SlowDown`. */
  readonly code: string;
  /** The element around the error, in an answer that says more than that. */
  readonly root?: string;
}

/** What becomes of a request; undefined passes it on. */
export type Fate = Refusal | 'lose the answer' | undefined;

/** Looks at a request before it is passed on, and may hold it by awaiting something. */
export type Intercept = (call: S3Call) => Fate | Promise<Fate>;

export interface S3Proxy {
  /** The stack, with the proxy in S3's place. */
  readonly stack: StackEndpoints;
  /** Every call so far, in order of arrival. */
  readonly calls: readonly S3Call[];
  /** The calls of an operation that S3 has answered with success, on any key or on this one. */
  succeeded(operation: string, key?: string): S3Call[];
  /** Set by a test; undefined passes everything on. */
  intercept: Intercept | undefined;
  /** Set by a test: holds an answer of S3 by awaiting something. */
  beforeAnswer: ((call: S3Call) => Promise<unknown> | undefined) | undefined;
}

/**
 * A proxy in front of a stack's S3 server, closed when the test ends: passes requests on as they
 * are, the signed Host header included, counts them, and holds or refuses those that a test picks. A
 * request whose caller goes away while it is held never reaches S3.
 *
 * @param stack the suite's by default
 */
export async function s3Proxy(stack: StackEndpoints = inject('stack')): Promise<S3Proxy> {
  const calls: S3Call[] = [];
  const server = createServer((incoming, answer) => {
    const call = describeCall(incoming);
    calls.push(call);
    handle(call, incoming, answer).catch(() => answer.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterwards(async () => {
    server.close();
    server.closeAllConnections();
  });

  async function handle(call: S3Call, incoming: IncomingMessage, answer: ServerResponse) {
    answer.once('finish', () => {
      call.status = answer.statusCode;
    });
    answer.once('close', () => {
      if (!answer.writableFinished) call.isAbandoned = true;
    });
    // Read at once: what lies unread before it would hide that the caller has gone away.
    const body = incoming.pipe(new PassThrough({ highWaterMark: MAX_HELD_BYTES }));
    const fate = await proxy.intercept?.(call);
    // That its caller has gone away just now shows once the events of its socket have been dealt with.
    for (let turn = 0; proxy.intercept && turn < SOCKET_TURNS; turn++) await setImmediate();
    if (incoming.socket.destroyed) return;
    if (typeof fate === 'object') return refuse(fate, body, answer);
    const reply = await passOn(new URL(stack.s3.endpoint), incoming, body, answer);
    if (fate === 'lose the answer') {
      reply.resume();
      answer.destroy();
    } else {
      await proxy.beforeAnswer?.(call);
      answer.writeHead(reply.statusCode ?? 502, reply.headers);
      await pipeline(reply, answer);
    }
  }

  const { port } = server.address() as AddressInfo;
  const proxy: S3Proxy = {
    stack: { ...stack, s3: { ...stack.s3, endpoint: `http://127.0.0.1:${port}` } },
    calls,
    succeeded: (operation, key) =>
      calls.filter(
        (call) =>
          call.operation === operation &&
          call.status !== undefined &&
          call.status < 300 &&
          (key === undefined || call.key === key),
      ),
    intercept: undefined,
    beforeAnswer: undefined,
  };
  return proxy;
}

function passOn(
  to: URL,
  incoming: IncomingMessage,
  body: Readable,
  answer: ServerResponse,
): Promise<IncomingMessage> {
  const { method, url: path, headers } = incoming;
  return new Promise((resolve, reject) => {
    const onward = request(
      { hostname: to.hostname, port: to.port, method, path, headers },
      resolve,
    );
    onward.on('error', reject);
    answer.once('close', () => onward.destroy());
    body.pipe(onward);
  });
}

function refuse({ status, code, root }: Refusal, body: Readable, answer: ServerResponse) {
  body.resume();
  answer.writeHead(status, { 'content-type': 'application/xml' });
  const error = `<Error><Code>${code}</Code><Message>by the test</Message></Error>`;
  const content = root ? `<${root}>${error}</${root}>` : error;
  answer.end(`<?xml version="1.0" encoding="UTF-8"?>${content}`);
}

/** Path-style addresses: `/bucket/key?query`. */
function describeCall({ method = '', url = '', headers }: IncomingMessage): S3Call {
  const { pathname, searchParams } = new URL(url, 'http://proxy');
  const key = decodeURIComponent(pathname.split('/').slice(2).join('/'));
  const part = searchParams.has('partNumber') ? Number(searchParams.get('partNumber')) : Number.NaN;
  const copies = 'x-amz-copy-source' in headers;
  const rangeStart = Number(/^bytes=(\d+)-/.exec(headers.range ?? '')?.[1] ?? Number.NaN);
  return { operation: operationOf(method, key, searchParams, copies), key, part, rangeStart };
}

function operationOf(method: string, key: string, query: URLSearchParams, copies: boolean): string {
  const has = (name: string) => query.has(name);
  if (key === '') return has('delete') ? 'DeleteObjects' : `${method} bucket`;
  if (has('partNumber')) return copies ? 'UploadPartCopy' : 'UploadPart';
  if (has('uploads')) return 'CreateMultipartUpload';
  if (has('uploadId')) {
    return (
      {
        POST: 'CompleteMultipartUpload',
        DELETE: 'AbortMultipartUpload',
        GET: 'ListParts',
      }[method] ?? method
    );
  }
  return `${method.slice(0, 1)}${method.slice(1).toLowerCase()}Object`;
}
