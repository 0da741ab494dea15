import type { SampleFormat } from '../../src/local/sample-export.ts';
import type { Summary } from './summary.ts';

/** What was promised of sheaf, and what was measured. */
export interface Target {
  readonly promise: string;
  readonly measured: string;
  readonly met: boolean;
}

/** Times the careful TypeScript program's speed on a ZIP, with VERIFY on and off. */
const TIMES_VERIFIED = 6;
const TIMES_UNVERIFIED = 9;

/** Share of the bytes made that may pass through the worker with VERIFY off. */
const SHARE_THROUGH_WORKER = 0.01;

/** Times the careful TypeScript program's speed on a TAR.GZ. */
const TIMES_INFLATED = 3;

/** Times the floor and one pass of uploads that a TAR.GZ may take. */
const TIMES_FLOOR = 1.5;

/** From the trigger message to the first activity (s). */
const FIRST_ACTIVITY_SECONDS = 1;

/** The summary of a competitor by its id, where it was measured. */
type Find = (id: string) => Summary | undefined;

/** Holds what was measured against what was promised; what was not measured is left out. */
export function checkTargets(summaries: readonly Summary[], source: SampleFormat): Target[] {
  const find: Find = (id) => summaries.find((summary) => summary.id === id);
  const targets = [...PROMISED[source].map((check) => check(find)), firstActivity(summaries)];
  return targets.filter((target) => target !== undefined);
}

const PROMISED: Record<SampleFormat, ((find: Find) => Target | undefined)[]> = {
  zip: [
    (find) => speed(find('a'), TIMES_VERIFIED),
    (find) => speed(find('a2'), TIMES_UNVERIFIED),
    (find) => throughWorker(find('a2')),
  ],
  tar: [],
  'tar.gz': [
    (find) => speed(find('a'), TIMES_INFLATED),
    (find) => nearFloor(find('a'), find('e'), find('u')),
  ],
};

function speed(summary: Summary | undefined, times: number): Target | undefined {
  if (summary?.timesBaseline === undefined) return undefined;
  return {
    promise: `${summary.title}: ${times} times (c) or better`,
    measured: `${summary.timesBaseline.toFixed(1)} times`,
    met: summary.timesBaseline >= times,
  };
}

function throughWorker(summary: Summary | undefined): Target | undefined {
  if (!summary) return undefined;
  const share = (summary.bytesRead + summary.bytesWritten) / summary.bytesMade;
  return {
    promise: `${summary.title}: under 1% of the bytes written pass through the worker`,
    measured: `${(100 * share).toFixed(2)}%`,
    met: share < SHARE_THROUGH_WORKER,
  };
}

function nearFloor(
  summary: Summary | undefined,
  floor: Summary | undefined,
  uploads: Summary | undefined,
): Target | undefined {
  if (!summary || !floor || !uploads) return undefined;
  const times = summary.seconds.median / (floor.seconds.median + uploads.seconds.median);
  return {
    promise: `${summary.title}: within ${TIMES_FLOOR} times (e) and (u) together`,
    measured: `${times.toFixed(2)} times`,
    met: times <= TIMES_FLOOR,
  };
}

function firstActivity(summaries: readonly Summary[]): Target | undefined {
  const slowest = Math.max(...summaries.map((summary) => summary.firstActivitySeconds ?? 0));
  if (slowest <= 0) return undefined;
  return {
    promise: 'trigger message to first activity: under 1 s',
    measured: `${(1000 * slowest).toFixed(0)} ms at most`,
    met: slowest < FIRST_ACTIVITY_SECONDS,
  };
}
