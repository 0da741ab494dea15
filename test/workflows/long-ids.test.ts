import { beforeAll, expect, test } from 'vitest';
import { routeRequest, splitRequest } from '../../src/runs/request.ts';
import { routeWorkflowId } from '../../src/runs/route-id.ts';
import type { routeFile } from '../../src/workflows/route-file.ts';
import type { splitArchive } from '../../src/workflows/split-archive.ts';
import { sampleArchive } from '../support/faults.ts';
import { uniqueTaskQueue } from '../support/harness.ts';
import { type PrivateTemporal, privateTemporal } from '../support/private-temporal.ts';
import { startProcess } from '../support/processes.ts';
import { archiveOf, routeCase } from '../support/route-case.ts';
import { splitCase } from '../support/split-case.ts';

/** With a limit as PostgreSQL's columns have: a longer id of a child run is refused, and asked for again, for ever. */
let temporal: PrivateTemporal;
let taskQueue: string;
beforeAll(async () => {
  temporal = await privateTemporal(undefined, ['limit.maxIDLength=255']);
  taskQueue = uniqueTaskQueue();
  await startProcess('worker', { TASK_QUEUE: taskQueue }, temporal.stack);
});

test('a key as long as S3 takes is routed, and its archive is split', async () => {
  const route = await routeCase();
  const { bucket } = route;
  const key = `${'a folder/'.repeat(70)}${'n'.repeat(200)}.zip`;
  await route.put(key, await archiveOf(2_000_001));
  const request = routeRequest(routeWorkflowId(bucket, key, crypto.randomUUID()), { bucket, key });

  const { status } = await execute<typeof routeFile>(request);

  expect(status).toBe('processed');
  expect(await route.keys()).toContain(`batch/${key.replace('.zip', '-part1.zip')}`);
});

test('an archive with a long name is split', async () => {
  const file = `${'n'.repeat(220)}.zip`;
  const archive = await sampleArchive({ rows: 3, imageBytes: 0, seed: 1 });
  const split = await splitCase(archive, { file });

  const { batches } = await execute<typeof splitArchive>(splitRequest(split.job));

  expect(batches.map(({ name }) => name)).toEqual([`${'n'.repeat(220)}-part1.zip`]);
  expect(await split.keys()).toContain(`batch/${batches[0]?.name}`);
});

/** Carries out a run on the server with the limit. */
async function execute<W extends typeof routeFile | typeof splitArchive>({
  workflowType,
  workflowId,
  args,
}: ReturnType<typeof routeRequest>): Promise<Awaited<ReturnType<W>>> {
  const client = await temporal.connect();
  return client.workflow.execute(workflowType, { workflowId, args, taskQueue });
}
