import { execFile } from 'node:child_process';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { CreateBucketCommand, DeleteBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import type { Client } from '@temporalio/client';
import { beforeAll, expect, test, vi } from 'vitest';
import { stackEnvironment } from '../../src/local/endpoints.ts';
import { ensureServers } from '../../src/local/locate.ts';
import { afterwards } from '../support/afterwards.ts';
import { sampleArchive } from '../support/faults.ts';
import { bareEnvironment, testS3, uniqueQueue } from '../support/harness.ts';
import { WAIT } from '../support/holds.ts';
import { privateTemporal } from '../support/private-temporal.ts';
import { startProcess } from '../support/processes.ts';
import { sendBody } from '../support/queues.ts';
import { tempFolder } from '../support/temp-folder.ts';

const PAGE = new URL('../../docs/operations.md', import.meta.url);
const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const BUCKET = 'exports';
const run = promisify(execFile);

/** What must be so before a command is called, where somebody at a terminal would take longer. */
const BEFORE: Record<string, () => Promise<void>> = {
  "temporal workflow list --query 'WorkflowType": () => batchIsListed(),
  'temporal workflow query': () => shardIsUnderWay(),
  'temporal workflow metadata': () => shardIsUnderWay(),
  'temporal workflow signal': () => shardIsUnderWay(),
  'temporal workflow cancel': () => shardIsUnderWay(),
  'temporal workflow terminate': () => shardIsUnderWay(),
  'temporal workflow reset -w items-nightly --type LastWorkflowTask': () => shardIsUnderWay(),
  'npx sheaf redrive': async () => {
    await sendBody(deadLetterUrl, 'no split message');
  },
};

/** What a command must have printed, or exited with. */
const AFTER: Record<string, Partial<Printed>> = {
  "temporal workflow list --query 'WorkflowType": { stdout: 'items-nightly' },
  'temporal workflow count': { stdout: 'Total: 1' },
  'temporal workflow query': { stdout: '"total":100000' },
  'temporal workflow metadata': { stdout: 'Process 100,000 items with sleep' },
  'temporal workflow result -w split-4711-export.zip': { stdout: 'export-part1.zip' },
  'temporal workflow result -w zip-album': { stdout: 'download/album.zip' },
  'temporal workflow result -w route-exports': { stdout: 'File processed OK' },
  'temporal workflow result -w items-nightly': { stdout: 'cancelled' },
  'temporal schedule list': { stdout: 'weekly' },
  'temporal task-queue describe': { stdout: 'workflow' },
  'npx sheaf schedule list': { stdout: 'nightly' },
  'npx sheaf redrive': { code: 1, stdout: '1 failed again' },
};

interface Printed {
  readonly code: number;
  readonly stdout: string;
}

let client: Client;
let deadLetterUrl: string;
let env: NodeJS.ProcessEnv;
let folder: string;

beforeAll(async () => {
  folder = await tempFolder();
  const temporal = await privateTemporal();
  client = await temporal.connect();
  const queue = await uniqueQueue({ maxReceiveCount: 3 });
  deadLetterUrl = queue.deadLetterUrl ?? '';
  const settings = {
    SPLIT_QUEUE_URL: queue.url,
    S3_DESTINATION_BUCKET: BUCKET,
    ITEMS_BUCKET: BUCKET,
    ITEMS_HEARTBEAT_SECONDS: '1',
    SQS_DESTINATION_QUEUE: '',
  };
  await fillBucket();
  await startProcess('worker', settings, temporal.stack);
  const bin = await programs();
  env = { ...bareEnvironment(), ...stackEnvironment(temporal.stack), ...settings };
  env.PATH = `${bin}:${env.PATH}`;
});

test('the commands of docs/operations.md do what the page says', { timeout: 180_000 }, async () => {
  const page = await readFile(PAGE, 'utf8');
  for (const [, name = '', content = ''] of page.matchAll(/^```json file=(\S+)\n(.*?)^```$/gms)) {
    await writeFile(join(folder, name), content);
  }
  const blocks = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block);
  const commands = blocks.flatMap((block) => block.replaceAll('\\\n', '').trim().split('\n'));

  for (const command of commands) {
    await find(BEFORE, command)?.();
    const { code = 0, stdout = '' } = find(AFTER, command) ?? {};
    const printed = await call(command);
    expect({ command, ...printed }).toEqual({
      ...{ command, code, stderr: expect.anything() },
      stdout: expect.stringContaining(stdout),
    });
  }

  for (const prefix of [...Object.keys(BEFORE), ...Object.keys(AFTER)]) {
    expect(commands).toContainEqual(expect.stringMatching(startingWith(prefix)));
  }
  // The batch that was cancelled, terminated and reset twice is going on.
  await shardIsUnderWay();
  const { status } = await client.workflow.getHandle('items-nightly').describe();
  expect(status.name).toBe('RUNNING');
});

/** Runs a line of the page in a shell, in a folder that has the page's files. */
async function call(command: string) {
  const options = { cwd: folder, env };
  try {
    return { code: 0, ...(await run('bash', ['-euo', 'pipefail', '-c', command], options)) };
  } catch (error) {
    const { code, stdout, stderr } = error as Printed & { stderr: string };
    return { code, stdout, stderr };
  }
}

function find<T>(entries: Record<string, T>, command: string): T | undefined {
  return Object.entries(entries).find(([prefix]) => command.startsWith(prefix))?.[1];
}

function startingWith(prefix: string): RegExp {
  return new RegExp(`^${prefix.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')}`);
}

/** Waits until a chunk of the batch is being processed. */
async function shardIsUnderWay(): Promise<void> {
  await vi.waitFor(async () => {
    const run = await client.workflow.getHandle('items-nightly').describe();
    const shard = await client.workflow.getHandle('items-nightly/1').describe();
    expect([run.status.name, shard.status.name]).toEqual(['RUNNING', 'RUNNING']);
    expect(run.raw.pendingChildren).toHaveLength(1);
    expect(shard.raw.pendingActivities?.length).toBeGreaterThan(0);
  }, WAIT);
}

/** Waits until Temporal's list, which lags behind, has the batch. */
async function batchIsListed(): Promise<void> {
  await vi.waitFor(async () => {
    const { count } = await client.workflow.count('WorkflowType = "processItems"');
    expect(count).toBe(1);
  }, WAIT);
}

/** The objects that the page speaks of. */
async function fillBucket(): Promise<void> {
  await testS3().send(new CreateBucketCommand({ Bucket: BUCKET }));
  afterwards(() => testS3().send(new DeleteBucketCommand({ Bucket: BUCKET })));
  const objects = {
    'export/export.zip': await sampleArchive({ rows: 3, imageBytes: 0, seed: 1 }),
    'dir/a.png': Buffer.from('a'),
    'nightly.csv': Buffer.from('id,value\na,1\n'),
  };
  for (const [Key, Body] of Object.entries(objects)) {
    await testS3().send(new PutObjectCommand({ Bucket: BUCKET, Key, Body }));
  }
}

/** A folder with the page's programs: the pinned `temporal`, and `npx sheaf` from the sources. */
async function programs(): Promise<string> {
  const bin = join(folder, 'bin');
  await mkdir(bin);
  const { temporal } = await ensureServers(['temporal'], process.env);
  const scripts = {
    temporal: `exec ${[temporal.command, ...temporal.args].map((part) => `"${part}"`).join(' ')} "$@"`,
    npx: `shift; exec "${process.execPath}" "${MAIN}" "$@"`,
  };
  for (const [name, script] of Object.entries(scripts)) {
    await writeFile(join(bin, name), `#!/bin/sh\n${script}\n`);
    await chmod(join(bin, name), 0o755);
  }
  return bin;
}
