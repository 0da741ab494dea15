import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { Client, Connection } from '@temporalio/client';
import { Command } from 'commander';
import { formatBytes } from '../src/cli/format.ts';
import { stopRequests } from '../src/cli/stop-requests.ts';
import { choosePort, HOST } from '../src/local/ports.ts';
import { type Arena, inArena } from './contest/arena.ts';
import { count } from './contest/options.ts';
import { sheafProcess } from './contest/sheaf.ts';
import {
  BUCKET,
  type CostedJob,
  createBucket,
  itemsJob,
  routeJob,
  splitJob,
  zipJob,
} from './cost/jobs.ts';
import { dollars, PRICES } from './cost/prices.ts';
import { difference, readS3Account, type S3Account } from './cost/requests.ts';
import { countActions } from './measure/temporal-counts.ts';
import { type PublishOptions, publish } from './report/publish.ts';
import type { Row } from './report/table.ts';

/** The largest archive, its batch zips, and what a store keeps of deleted objects for a while. */
const DISK_BYTES = 8e9;

/** Requests to SQS for a job: its message is received and deleted, its result is sent. */
const SQS_REQUESTS = 3;

interface Options extends PublishOptions {
  readonly images: number;
}

/** What a job has taken. */
interface Cost extends S3Account {
  readonly title: string;
  readonly actions: number;
}

/** `bench cost`: what jobs of each kind ask of S3, Temporal and SQS, and what that costs. */
export function command(): Command {
  return new Command('cost')
    .description(
      'Runs a job of each kind on a fresh embedded stack, one after the other, and counts its requests to\n' +
        'S3, the bytes that it moves, and its actions on Temporal. About three minutes on two cores.',
    )
    .option('--images <count>', 'images of the archives, of 45 kB each', count, 20_000)
    .option('--json <file>', 'where all figures go (default: .sheaf/bench/)')
    .option('--docs', 'put the figures into docs/benchmarks.md')
    .action(run);
}

async function run(options: Options): Promise<void> {
  const { first: signal } = stopRequests();
  const jobs = [
    splitJob('zip', options.images, 45_000),
    splitJob('tar.gz', options.images, 45_000),
    zipJob(1000, 350_000),
    zipJob(20, 16_000_000),
    itemsJob(1_000_000),
    routeJob(),
  ];
  const costs = await inArena(DISK_BYTES, signal, (arena) => measure(arena, jobs));
  await publish(
    {
      name: 'cost',
      subject: 'What a job of each kind asks of S3 and Temporal, at list prices',
      tables: [requestTable(costs), dollarTable(costs)],
      notes: [
        `${SQS_REQUESTS} requests to SQS a job: its message is received and deleted, its result is sent.`,
        'Bytes within a region cost nothing; storage, and what runs the worker, come on top.',
      ],
    },
    { costs },
    options,
  );
}

/** Runs the jobs one after the other by one worker, with nobody watching, and counts what each takes. */
async function measure(arena: Arena, jobs: readonly CostedJob[]): Promise<Cost[]> {
  const { stack, folder, s3 } = arena;
  const workDir = join(folder, 'cost');
  await mkdir(workDir, { recursive: true });
  await createBucket(arena);
  await s3.send(new PutObjectCommand({ Bucket: BUCKET, Key: 'small.txt', Body: 'small' }));
  const METRICS_ADDRESS = `${HOST}:${await choosePort(folder)}`;
  const settings = {
    ...{ TASK_QUEUE: 'bench-cost', METRICS_ADDRESS, ITEMS_BUCKET: BUCKET },
    ...{ S3_SOURCE_BUCKET: BUCKET, S3_DESTINATION_BUCKET: BUCKET },
  };
  const worker = sheafProcess('worker', { ...process.env, ...stack.env, ...settings }, workDir);
  const { address, namespace } = stack.endpoints.temporal;
  const connection = await Connection.connect({ address });
  const client = new Client({ connection, namespace });
  const costs: Cost[] = [];
  try {
    await worker.start();
    for (const job of jobs) {
      const { workflowType, workflowId, args } = await job.prepare(arena);
      const before = await readS3Account(METRICS_ADDRESS);
      const actionsBefore = await countActions(arena);
      await client.workflow.execute(workflowType, {
        ...{ workflowId, args, taskQueue: settings.TASK_QUEUE },
      });
      const s3Account = difference(await readS3Account(METRICS_ADDRESS), before);
      const actions = (await countActions(arena)) - actionsBefore;
      costs.push({ title: job.title, ...s3Account, actions });
      console.error(`  ${job.title}: done`);
    }
    return costs;
  } finally {
    await worker.stop();
    await connection.close();
  }
}

function requestTable(costs: readonly Cost[]): Row[] {
  return [
    ['job', 'PUT and the like', 'GET and the like', 'copied', 'read', 'written', 'actions'],
    ...costs.map(({ title, puts, gets, copied, read, written, actions }) => [
      title,
      ...[puts, gets].map((requests) => requests.toLocaleString('en')),
      ...[copied, read, written].map(formatBytes),
      actions.toLocaleString('en'),
    ]),
  ];
}

function dollarTable(costs: readonly Cost[]): Row[] {
  return [
    ['dollars', 'S3', 'Temporal Cloud', 'SQS', 'together'],
    ...costs.map(({ title, puts, gets, actions }) => {
      const parts = [
        puts * PRICES.s3Put + gets * PRICES.s3Get,
        actions * PRICES.temporalAction,
        SQS_REQUESTS * PRICES.sqsRequest,
      ];
      const sum = parts.reduce((total, part) => total + part, 0);
      return [title, ...[...parts, sum].map(dollars)];
    }),
  ];
}
