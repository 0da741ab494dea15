import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CreateBucketCommand, DeleteBucketCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import type { Client } from '@temporalio/client';
import { beforeAll, expect, test, vi } from 'vitest';
import { afterwards } from '../support/afterwards.ts';
import { sampleArchive } from '../support/faults.ts';
import { testS3, uniqueQueue } from '../support/harness.ts';
import { WAIT } from '../support/holds.ts';
import { commandsOf, entryFor, type PageShell, pageShell } from '../support/page-shell.ts';
import { privateTemporal } from '../support/private-temporal.ts';
import { startProcess } from '../support/processes.ts';
import { sendBody } from '../support/queues.ts';
import type { Called } from '../support/sheaf.ts';

const PAGE = new URL('../../docs/operations.md', import.meta.url);
const BUCKET = 'exports';

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
const AFTER: Record<string, Partial<Called>> = {
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

let client: Client;
let deadLetterUrl: string;
let shell: PageShell;

beforeAll(async () => {
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
  shell = await pageShell(temporal.stack, settings);
});

test('the commands of docs/operations.md do what the page says', { timeout: 180_000 }, async () => {
  const page = await readFile(PAGE, 'utf8');
  for (const [, name = '', content = ''] of page.matchAll(/^```json file=(\S+)\n(.*?)^```$/gms)) {
    await writeFile(join(shell.folder, name), content);
  }
  const commands = commandsOf(page);

  for (const command of commands) {
    await entryFor(BEFORE, command)?.();
    const { code = 0, stdout = '' } = entryFor(AFTER, command) ?? {};
    const printed = await shell.call(command);
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
