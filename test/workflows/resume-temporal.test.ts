import { expect, test, vi } from 'vitest';
import { splitWorkflowId } from '../../src/workflows/workflow-ids.ts';
import { gate, sampleArchive } from '../support/faults.ts';
import { privateTemporal } from '../support/private-temporal.ts';
import { startProcess } from '../support/processes.ts';
import { s3Proxy } from '../support/s3-proxy.ts';
import { splitCase } from '../support/split-case.ts';

test('a run outlives a Temporal server that is stopped and started again', async () => {
  const split = await splitCase(await sampleArchive({ rows: 60, imageBytes: 200_000, seed: 1 }));
  const proxy = await s3Proxy();
  const temporal = await privateTemporal(proxy.stack);
  const env = { TASK_QUEUE: split.taskQueue, BATCH_SIZE: '30' };
  await startProcess('worker', env, temporal.stack);
  const workflowId = splitWorkflowId(split.job);
  const options = { workflowId, taskQueue: split.taskQueue, args: [split.job] };
  await (await temporal.connect()).workflow.start('splitArchive', options);
  const copying = gate();
  const goOn = gate();
  proxy.intercept = ({ operation }) => {
    if (operation !== 'UploadPartCopy') return undefined;
    copying.open();
    return goOn.opened;
  };
  await copying.opened;

  await temporal.server.stop();
  goOn.open();
  await vi.waitFor(
    () => expect(proxy.succeeded('CompleteMultipartUpload').length).toBeGreaterThan(0),
    { timeout: 20_000 },
  );
  await temporal.server.start();
  const run = (await temporal.connect()).workflow.getHandle(workflowId);
  const { batches } = await run.result();

  expect(batches).toHaveLength(2);
  expect(await split.results()).toEqual([expect.objectContaining({ status: 'success' })]);
  expect(await split.uploads()).toEqual([]);
});
