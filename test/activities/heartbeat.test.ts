import { MockActivityEnvironment } from '@temporalio/testing';
import { describe, expect, test } from 'vitest';
import { heartbeating, type Work } from '../../src/activities/heartbeat.ts';

/** How often the activity of a case tells that it lives (ms). */
const INTERVAL_MS = 50;

describe('an activity', () => {
  test('that ends before its first heartbeat is due sends none', async () => {
    expect(await beatsOf(async () => {})).toEqual([]);
  });

  test('tells at a steady pace that it lives, before it has a checkpoint', async () => {
    const thirdBeat = Promise.withResolvers<void>();
    const beats = await beatsOf(
      () => thirdBeat.promise,
      undefined,
      (count) => {
        if (count === 3) thirdBeat.resolve();
      },
    );
    expect(beats).toEqual([undefined, undefined, undefined]);
  });

  test('repeats the checkpoint of the attempt before it at once', async () => {
    expect(await beatsOf(async () => {}, 7)).toEqual([7]);
  });

  test('tells at once what it is asked to tell', async () => {
    expect(await beatsOf(async ({ tell }) => tell(1))).toEqual([1]);
  });

  test('that fails tells its last checkpoint, for its next attempt', async () => {
    const failing = async ({ checkpoint }: Work<number>) => {
      checkpoint(2);
      throw new Error('fails');
    };
    expect(await beatsOf(failing)).toEqual([2]);
  });
});

/** What work tells in its heartbeats, when the attempt before it has told `heartbeatDetails`. @param onBeat is told how many there were */
async function beatsOf(
  work: (work: Work<number>) => Promise<void>,
  heartbeatDetails?: number,
  onBeat: (count: number) => void = () => {},
): Promise<unknown[]> {
  const beats: unknown[] = [];
  const environment = new MockActivityEnvironment({ heartbeatDetails });
  environment.on('heartbeat', (details: unknown) => onBeat(beats.push(details)));
  await environment.run(() => heartbeating(work, INTERVAL_MS)).catch(() => {});
  return beats;
}
