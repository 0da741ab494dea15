import { once } from 'node:events';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { generate } from 'selfsigned';
import { inject } from 'vitest';
import { afterwards } from './afterwards.ts';

/** gRPC's code for a caller who has not said who they are. */
const UNAUTHENTICATED = 16;

/** nghttp2's flag of a frame that is the last one. */
const END_STREAM = 1;

/** A key and what it is the key of, PEM. */
export interface Certificate {
  readonly key: string;
  readonly cert: string;
}

/** Whom the proxy lets in. */
export type Admission = { readonly apiKey: string } | { readonly clientCa: Certificate };

/** A front of the suite's Temporal server that asks who is there, as Temporal Cloud does. */
export interface CloudProxy {
  readonly address: string;
  /** What it is known by, PEM. */
  readonly serverCa: string;
  /** Namespaces that calls were made for, by the header that the Cloud finds them by. */
  readonly namespaces: Set<string>;
  /** How many calls, or connections, were turned away. */
  readonly refused: () => number;
}

/** A certificate authority. */
export async function newAuthority(name: string): Promise<Certificate> {
  return issue(name, undefined, [
    { name: 'basicConstraints', cA: true, critical: true },
    { name: 'keyUsage', keyCertSign: true, critical: true },
  ]);
}

/** A certificate for a client, as Temporal Cloud wants them. */
export function clientCertificate(ca: Certificate): Promise<Certificate> {
  return issue('sheaf', ca, [
    { name: 'basicConstraints', cA: false, critical: true },
    { name: 'keyUsage', digitalSignature: true, critical: true },
    { name: 'extKeyUsage', clientAuth: true },
  ]);
}

/**
 * Starts a proxy with TLS in front of the suite's Temporal server.
 *
 * @param serverName the name that its certificate is for
 */
export async function startCloudProxy(
  serverName: string,
  admission: Admission,
): Promise<CloudProxy> {
  const ca = await newAuthority('server');
  const own = await issue(serverName, ca, [
    { name: 'basicConstraints', cA: false, critical: true },
    { name: 'keyUsage', digitalSignature: true, critical: true },
    { name: 'extKeyUsage', serverAuth: true },
    { name: 'subjectAltName', altNames: [{ type: 2, value: serverName }] },
  ]);
  const demand =
    'clientCa' in admission
      ? { ca: admission.clientCa.cert, requestCert: true, rejectUnauthorized: true }
      : {};
  const server = http2.createSecureServer({ ...own, ...demand });
  const upstream = http2.connect(`http://${inject('stack').temporal.address}`);
  const sessions = new Set<http2.ServerHttp2Session>();
  const namespaces = new Set<string>();
  let refused = 0;
  server.on('tlsClientError', () => {
    refused += 1;
  });
  server.on('session', (session) => {
    sessions.add(session);
    session.on('error', () => {});
  });
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    if ('apiKey' in admission && headers.authorization !== `Bearer ${admission.apiKey}`) {
      refused += 1;
      stream.respond(refusal(), { endStream: true });
      return;
    }
    const namespace = headers['temporal-namespace'];
    if (typeof namespace === 'string') namespaces.add(namespace);
    pass(stream, headers, upstream);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  afterwards(async () => {
    for (const session of sessions) session.destroy();
    upstream.destroy();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const address = `127.0.0.1:${port}`;
  return { address, serverCa: ca.cert, namespaces, refused: () => refused };
}

/** Hands a call on, and its answer back. */
function pass(
  stream: http2.ServerHttp2Stream,
  headers: http2.IncomingHttpHeaders,
  upstream: http2.ClientHttp2Session,
): void {
  const call = upstream.request({ ...headers, ':scheme': 'http' });
  let trailers: http2.IncomingHttpHeaders = {};
  call.on('error', () => stream.close());
  call.on('trailers', (received) => {
    trailers = received;
  });
  call.on('response', (response, flags) => {
    // Some answers have a status and nothing else.
    const isAll = (flags & END_STREAM) !== 0;
    stream.respond(response, isAll ? { endStream: true } : { waitForTrailers: true });
    stream.on('wantTrailers', () => stream.sendTrailers(trailers));
    if (!isAll) call.pipe(stream);
  });
  stream.on('close', () => call.close());
  stream.pipe(call);
}

function refusal(): http2.OutgoingHttpHeaders {
  return {
    ':status': 200,
    'content-type': 'application/grpc',
    'grpc-status': String(UNAUTHENTICATED),
    'grpc-message': 'Request unauthorized.',
  };
}

async function issue(
  name: string,
  ca: Certificate | undefined,
  extensions: NonNullable<Parameters<typeof generate>[1]>['extensions'],
): Promise<Certificate> {
  const made = await generate([{ name: 'commonName', value: name }], {
    keyType: 'ec',
    algorithm: 'sha256',
    ...(ca && { ca }),
    ...(extensions && { extensions }),
  });
  return { key: made.private, cert: made.cert };
}
