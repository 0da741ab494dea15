import { describe, expect, test, vi } from 'vitest';
import { splitWorkflowId } from '../../src/workflows/workflow-ids.ts';
import { sampleArchive } from '../support/faults.ts';
import { s3Proxy } from '../support/s3-proxy.ts';
import { type SplitCase, splitCase, startWorker } from '../support/split-case.ts';

/** Two batch zips of 6 MB, each one copy and one part of literals. */
const SAMPLE = { rows: 60, imageBytes: 200_000, seed: 5 };
const SETTINGS = { BATCH_SIZE: '30', VERIFY: 'off' };

describe('a run that is cancelled while it builds', () => {
  test('ends as cancelled, tells so, and leaves nothing behind', async () => {
    const { split, run } = await startUntilCopying();

    await run.cancel();

    await expect(run.result()).rejects.toThrow();
    expect((await run.describe()).status.name).toBe('CANCELLED');
    expect(await split.results()).toEqual([failedWith('The run was cancelled')]);
    await expectNothingLeft(split);
  });

  test('whose child alone is cancelled: the run fails, and says which', async () => {
    const { split, run, child } = await startUntilCopying();

    await child.cancel();

    await expect(run.result()).rejects.toThrow();
    expect((await run.describe()).status.name).toBe('FAILED');
    expect(await split.results()).toEqual([
      failedWith(`The child run ${splitWorkflowId(split.job)}/${nameOf(split, 1)} was stopped`),
    ]);
    await expectNothingLeft(split);
  });

  test('or terminated: its children are cancelled, and give up their uploads', async () => {
    const { split, run, child } = await startUntilCopying();

    await run.terminate();

    await expect(child.result()).rejects.toThrow();
    expect((await child.describe()).status.name).toBe('CANCELLED');
    await vi.waitFor(async () => expect(await split.uploads()).toEqual([]), {
      timeout: 10_000,
    });
    expect((await split.keys()).filter((key) => key.startsWith('batch/'))).toEqual([]);
  });
});

test('a run that is cancelled before a worker takes it up tells so', async () => {
  const split = await splitCase(await sampleArchive({ rows: 2, imageBytes: 0, seed: 6 }));
  const run = await split.start();
  await run.cancel();
  await startWorker(split.taskQueue);

  await expect(run.result()).rejects.toThrow();

  expect((await run.describe()).status.name).toBe('CANCELLED');
  expect(await split.results()).toEqual([failedWith('The run was cancelled')]);
});

/** A run whose copies S3 does not answer. */
async function startUntilCopying() {
  const split = await splitCase(await sampleArchive(SAMPLE));
  const proxy = await s3Proxy();
  let held = 0;
  proxy.intercept = ({ operation }) => {
    if (operation !== 'UploadPartCopy') return undefined;
    held += 1;
    return new Promise(() => {});
  };
  await startWorker(split.taskQueue, SETTINGS, proxy.stack);
  const run = await split.start();
  await vi.waitFor(() => expect(held).toBe(2), { timeout: 20_000, interval: 20 });
  const child = split.client.workflow.getHandle(
    `${splitWorkflowId(split.job)}/${nameOf(split, 1)}`,
  );
  return { split, run, child };
}

function nameOf({ job }: SplitCase, number: number): string {
  return job.file.replace('.zip', `-part${number}.zip`);
}

function failedWith(error: string) {
  return { function: 'BiospexBatchCreator', status: 'failed', downloadId: 4711, error };
}

async function expectNothingLeft({ job, keys, uploads }: SplitCase): Promise<void> {
  expect(await keys()).toEqual([job.exportPath]);
  expect(await uploads()).toEqual([]);
}
