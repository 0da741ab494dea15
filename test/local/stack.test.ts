import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { ReceiveMessageCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import { Client, Connection } from '@temporalio/client';
import getPort from 'get-port';
import { beforeEach, expect, onTestFinished, test } from 'vitest';
import { stackS3, stackSqs } from '../../src/local/clients.ts';
import { isFree } from '../../src/local/ports.ts';
import { findRunningStack } from '../../src/local/running.ts';
import { type Stack, type StackOptions, startStack } from '../../src/local/stack.ts';
import { uniqueName } from '../support/harness.ts';

let dataDir: string;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'sheaf-stack-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
});

async function start(options: Partial<StackOptions> = {}): Promise<Stack> {
  const stack = await startStack({ dataDir, ...options });
  onTestFinished(() => stack.kill());
  return stack;
}

/** Leaves an object, a message and a run that nobody works on in a stack. */
async function leaveTraces({ endpoints }: Stack): Promise<string> {
  const name = uniqueName();
  await stackS3(endpoints).send(
    new PutObjectCommand({ Bucket: 'sheaf-demo', Key: name, Body: name }),
  );
  await stackSqs(endpoints).send(
    new SendMessageCommand({ QueueUrl: endpoints.queues.split, MessageBody: name }),
  );
  await withTemporal(endpoints, (client) =>
    client.workflow.start('nobodyWorksOnThis', { taskQueue: name, workflowId: name }),
  );
  return name;
}

async function expectTraces({ endpoints }: Stack, name: string): Promise<void> {
  const { Body } = await stackS3(endpoints).send(
    new GetObjectCommand({ Bucket: 'sheaf-demo', Key: name }),
  );
  expect(await Body?.transformToString()).toBe(name);
  const { Messages = [] } = await stackSqs(endpoints).send(
    new ReceiveMessageCommand({ QueueUrl: endpoints.queues.split, WaitTimeSeconds: 5 }),
  );
  expect(Messages.map((message) => message.Body)).toEqual([name]);
  const run = await withTemporal(endpoints, (client) => client.workflow.getHandle(name).describe());
  expect(run.status.name).toBe('RUNNING');
}

async function withTemporal<T>(
  { temporal: { address, namespace } }: Stack['endpoints'],
  use: (client: Client) => Promise<T>,
): Promise<T> {
  const connection = await Connection.connect({ address });
  try {
    return await use(new Client({ connection, namespace }));
  } finally {
    await connection.close();
  }
}

test('objects, messages and runs survive a restart, on the same addresses', async () => {
  const first = await start();
  const name = await leaveTraces(first);
  await first.stop();

  const second = await start();
  expect(second.endpoints).toEqual(first.endpoints);
  await expectTraces(second, name);
});

test('objects, messages and runs survive a restart on other ports', async () => {
  const first = await start();
  const name = await leaveTraces(first);
  await first.stop();
  rmSync(join(dataDir, 'ports.json'));

  const second = await start();
  expect(second.endpoints.s3.endpoint).not.toBe(first.endpoints.s3.endpoint);
  await expectTraces(second, name);
});

test('a server that is killed and started again is the same as before', async () => {
  const stack = await start();
  const name = await leaveTraces(stack);
  const { temporal, s3, sqs } = stack.servers;
  await Promise.all([temporal.kill(), s3.kill(), sqs.stop()]);
  await Promise.all([temporal.start(), s3.start(), sqs.start()]);
  await expectTraces(stack, name);
});

test('a running stack is found by its data folder, a stopped one is not', async () => {
  expect(await findRunningStack(dataDir)).toBeUndefined();
  const stack = await start();
  expect(await findRunningStack(dataDir)).toEqual(stack.endpoints);
  await stack.stop();
  expect(await findRunningStack(dataDir)).toBeUndefined();
});

test('a port that was asked for and is in use is an error that names it', async () => {
  const other = createServer();
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void other.close());
  const { port } = other.address() as { port: number };
  await expect(start({ ports: { s3: port } })).rejects.toThrow(
    `Port ${port}, asked for s3, is in use on 127.0.0.1: end what listens there`,
  );
});

test('a server that does not start is named with its last words, and the others are ended', async () => {
  const script = join(dataDir, 'weed');
  writeFileSync(script, '#!/bin/sh\necho "flag provided but not defined: -x" >&2\nexit 2\n', {
    mode: 0o755,
  });
  const env = { ...process.env, SEAWEEDFS_PATH: script };
  const sqs = await getPort();
  await expect(start({ env, ports: { sqs } })).rejects.toThrow(
    /^SeaweedFS \(.*weed\) ended before it was ready \(exit code 2\)\n {2}\| flag provided but not defined: -x\nThe program came from SEAWEEDFS_PATH/,
  );
  expect(await isFree(sqs)).toBe(true);
  await start();
});
