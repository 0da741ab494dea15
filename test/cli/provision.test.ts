import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { GetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { expect, inject, test } from 'vitest';
import { afterwards } from '../support/afterwards.ts';
import { testEnvironment, testSqs } from '../support/harness.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const run = promisify(execFile);

function provision(settings: Record<string, string> = {}) {
  const env = { ...testEnvironment(), ...settings };
  return run(process.execPath, [MAIN, 'provision'], { env });
}

test('says what there is, the second time as the first', async () => {
  const { queues, buckets } = inject('stack');

  const first = await provision();

  expect(first.stderr).toBe('');
  expect(first.stdout.trim().split('\n')).toEqual([
    ...buckets.map((bucket) => `bucket  ${bucket}`),
    `queue   ${queues.zip}, after 5 receives to input-queue-dlq`,
    `queue   ${queues.zipDlq}`,
    `queue   ${queues.zipResults}`,
    `queue   ${queues.split}, after 5 receives to split-dlq`,
    `queue   ${queues.splitDlq}`,
    `queue   ${queues.updates}`,
    `queue   ${queues.items}, after 5 receives to items-dlq`,
    `queue   ${queues.itemsDlq}`,
    `queue   ${queues.itemsResults}`,
    `queue   ${queues.route}, after 5 receives to route-dlq`,
    `queue   ${queues.routeDlq}`,
    `queue   ${queues.routeResults}`,
  ]);
  expect(await provision()).toEqual(first);
});

test('a zip message that is received five times in vain goes to the dead-letter queue', async () => {
  await provision();

  const { Attributes } = await testSqs().send(
    new GetQueueAttributesCommand({
      QueueUrl: inject('stack').queues.zip,
      AttributeNames: ['RedrivePolicy'],
    }),
  );
  expect(JSON.parse(Attributes?.RedrivePolicy ?? '')).toMatchObject({
    deadLetterTargetArn: expect.stringMatching(/:input-queue-dlq$/),
    maxReceiveCount: 5,
  });
});

test('a server that is still starting is waited for', async () => {
  const port = await unusedPort();
  const running = provision({ AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}` });
  const [said] = await once(running.child.stderr as NodeJS.ReadableStream, 'data');
  expect(`${said}`).toContain(`Waiting for S3 at http://127.0.0.1:${port}: connect ECONNREFUSED`);

  await listen(forwarder(Number(new URL(inject('stack').s3.endpoint).port)), port);

  expect((await running).stdout).toContain('bucket  source-images\n');
});

test('a server that refuses the credentials is not waited for', async () => {
  await expect(provision({ AWS_SECRET_ACCESS_KEY: 'another' })).rejects.toMatchObject({
    code: 1,
    stdout: '',
    stderr: expect.stringMatching(/^sheaf: S3 at http:\/\/\S+: .*signature.*\n$/),
  });
});

function forwarder(port: number): Server {
  return createServer((socket) => {
    const upstream = connect(port, '127.0.0.1');
    for (const end of [socket, upstream]) end.on('error', () => {});
    socket.pipe(upstream).pipe(socket);
  });
}

async function unusedPort(): Promise<number> {
  const server = createServer();
  await listen(server, 0);
  const { port } = server.address() as AddressInfo;
  await promisify(server.close.bind(server))();
  return port;
}

async function listen(server: Server, port: number): Promise<void> {
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  afterwards(async () => void server.close());
}
