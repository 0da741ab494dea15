import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import type { Arena } from '../contest/arena.ts';
import type { activityAnItem } from './activity-an-item.ts';

/** Activities at once in the worker of {@link measureActivities}: the default of Temporal's worker. */
const MAX_ACTIVITIES = 100;

/** How long a bare loop takes for so many items (s), in a process of its own. */
export async function measureLoop(count: number): Promise<number> {
  const program = fileURLToPath(new URL('./loop.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [program, String(count)]);
  return Number(stdout);
}

/** How long a run takes that has an activity an item (s), with a worker that has run before. */
export async function measureActivities(arena: Arena, count: number): Promise<number> {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const { address } = arena.stack.endpoints.temporal;
  const connection = await NativeConnection.connect({ address });
  const worker = await Worker.create({
    connection,
    taskQueue: 'activity-an-item',
    workflowsPath: fileURLToPath(new URL('./activity-an-item.ts', import.meta.url)),
    activities: { processItem: async () => {} },
    maxConcurrentActivityTaskExecutions: MAX_ACTIVITIES,
  });
  const client = new Client({ connection: await Connection.connect({ address }) });
  const run = (items: number) =>
    client.workflow.execute<typeof activityAnItem>('activityAnItem', {
      taskQueue: 'activity-an-item',
      workflowId: `activity-an-item-${items}`,
      args: [items],
    });
  try {
    return await worker.runUntil(async () => {
      await run(100);
      const start = performance.now();
      await run(count);
      return (performance.now() - start) / 1000;
    });
  } finally {
    await client.connection.close();
    await connection.close();
  }
}
