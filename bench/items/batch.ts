import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import type { ItemsJobInput } from '../../src/messages/items.ts';
import type { processItems } from '../../src/workflows/process-items.ts';
import { itemsWorkflowId } from '../../src/workflows/workflow-ids.ts';
import type { Arena } from '../contest/arena.ts';
import { sheafProcess } from '../contest/sheaf.ts';
import { peakMemory } from '../measure/processes.ts';
import { countActions, type Histories, readHistories } from '../measure/temporal-counts.ts';

/** One batch, and what it took. Memory in bytes, each process at its peak. */
export interface BatchFigures {
  readonly items: number;
  readonly seconds: number;
  readonly workerMemory: number | undefined;
  readonly temporalMemory: number | undefined;
  readonly s3Memory: number | undefined;
  readonly histories: Histories;
  /** Actions of Temporal, heartbeats among them. */
  readonly actions: number;
}

/** A batch, but for what names it. */
export type Job = Omit<ItemsJobInput, 'batchId'>;

/** Items of a batch before the measured one: its worker has worked before. */
const REHEARSAL_ITEMS = 20_000;

/** Processes a batch by a fresh worker process, which has processed a small one before. */
export async function measureBatch(arena: Arena, job: Job, items: number): Promise<BatchFigures> {
  const { stack, folder } = arena;
  const { address, namespace } = stack.endpoints.temporal;
  const connection = await Connection.connect({ address });
  const client = new Client({ connection, namespace });
  const name = `bench-items-${items}`;
  const workDir = join(folder, name);
  await mkdir(workDir, { recursive: true });
  const PROCESSORS = fileURLToPath(new URL('./noop.ts', import.meta.url));
  const env = { ...process.env, ...stack.env, PROCESSORS, TASK_QUEUE: name };
  const worker = sheafProcess('worker', env, workDir);
  try {
    await worker.start();
    const run = (batchId: string, input: Job) =>
      client.workflow.execute<typeof processItems>('processItems', {
        taskQueue: name,
        workflowId: itemsWorkflowId(batchId),
        args: [{ ...input, batchId }],
      });
    await run(`${name}-rehearsal`, {
      source: { generate: { count: REHEARSAL_ITEMS } },
      processor: 'noop',
    });
    const before = await countActions(arena);
    const start = performance.now();
    const result = await run(name, job);
    const seconds = (performance.now() - start) / 1000;
    if (result.succeeded !== items) {
      throw new Error(`Expected ${items} items to succeed, got ${JSON.stringify(result)}`);
    }
    return {
      items,
      seconds,
      workerMemory: peakMemory(worker.pid as number),
      temporalMemory: peakMemory(stack.servers.temporal.pid as number),
      s3Memory: peakMemory(stack.servers.s3.pid as number),
      actions: (await countActions(arena)) - before,
      histories: await readHistories(client, itemsWorkflowId(name)),
    };
  } finally {
    await worker.stop();
    await connection.close();
  }
}
