import { describe, expect, test } from 'vitest';
import { splitRequest } from '../../src/runs/request.ts';
import { MAX_REMEMBERED, startRun } from '../../src/starter/start-run.ts';
import { sampleArchive } from '../support/faults.ts';
import { type SplitCase, splitCase, startWorker } from '../support/split-case.ts';

describe('a message', () => {
  const archive = sampleArchive({ rows: 2, imageBytes: 0, seed: 1 });

  test('that comes twice at once has one run, and one result', async () => {
    const split = await splitCase(await archive);
    await startWorker(split.taskQueue);

    const outcomes = await deliver(split, ['A', 'A', 'A']);
    await resultOf(split);

    expect(outcomes.toSorted()).toEqual(['joined', 'joined', 'started']);
    expect(await split.results()).toHaveLength(1);
  });

  test('that comes again after its run has ended starts nothing', async () => {
    const split = await splitCase(await archive);
    await startWorker(split.taskQueue);
    await deliver(split, ['A']);
    await resultOf(split);

    expect(await deliver(split, ['A', 'A'])).toEqual(['answered before', 'answered before']);
    expect(await split.results()).toHaveLength(1);
  });

  test('for a job whose run is open joins it, and starts nothing when it comes again', async () => {
    const split = await splitCase(await archive);
    await deliver(split, ['A']);
    const outcomes = await deliver(split, ['B', 'C', 'B']);
    await startWorker(split.taskQueue);
    await resultOf(split);

    expect(outcomes).toEqual(['joined', 'joined', 'joined']);
    expect(await deliver(split, ['C', 'B', 'A'])).toEqual(Array(3).fill('answered before'));
    expect(await split.results()).toHaveLength(1);
  });

  test('for a job whose run has ended starts another; the old ones still start nothing', async () => {
    const split = await splitCase(await archive);
    await startWorker(split.taskQueue);
    await deliver(split, ['A']);
    await resultOf(split);

    expect(await deliver(split, ['B'])).toEqual(['started']);
    await resultOf(split);

    expect(await deliver(split, ['A', 'B'])).toEqual(['answered before', 'answered before']);
    expect(await split.results()).toHaveLength(2);
  });

  test('that comes at any moment of a run is answered by exactly one', async () => {
    const split = await splitCase(undefined);
    await startWorker(split.taskQueue);

    const ids: string[] = [];
    let runs = 0;
    // However quick runs are, one ends in between.
    while (runs < 2) {
      const id = `message ${ids.length}`;
      ids.push(id);
      const outcomes = await deliver(split, [id, id]);
      runs += outcomes.filter((outcome) => outcome === 'started').length;
    }
    await resultOf(split);

    expect(await split.results()).toHaveLength(runs);
    // So many a run remembers of those before it.
    const remembered = ids.slice(-MAX_REMEMBERED);
    expect(new Set(await deliver(split, remembered))).toEqual(new Set(['answered before']));
  });
});

/** Delivers messages of the job, by their ids, at once; as several starters would. */
function deliver({ client, job, taskQueue }: SplitCase, messageIds: string[]) {
  const request = splitRequest(job);
  return Promise.all(messageIds.map((id) => startRun(client, taskQueue, request, id)));
}

/** Waits for the end of the job's latest run, however it ends. */
async function resultOf({ client, job }: SplitCase): Promise<void> {
  const { workflowId } = splitRequest(job);
  await client.workflow
    .getHandle(workflowId)
    .result()
    .catch(() => {});
}
