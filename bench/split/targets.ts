import type { Summary } from './summary.ts';

/** What was promised of sheaf, and what was measured. */
export interface Target {
  readonly promise: string;
  readonly measured: string;
  readonly met: boolean;
}

/** Times the careful TypeScript program's speed, with VERIFY on and off. */
const TIMES_VERIFIED = 6;
const TIMES_UNVERIFIED = 9;

/** Share of the bytes made that may pass through the worker with VERIFY off. */
const SHARE_THROUGH_WORKER = 0.01;

/** From the trigger message to the first activity (s). */
const FIRST_ACTIVITY_SECONDS = 1;

/** Holds what was measured against what was promised; what was not measured is left out. */
export function checkTargets(summaries: readonly Summary[]): Target[] {
  const verified = summaries.find(({ id }) => id === 'a');
  const unverified = summaries.find(({ id }) => id === 'a2');
  const targets: Target[] = [];
  const speed = (summary: Summary | undefined, times: number) => {
    if (summary?.timesBaseline === undefined) return;
    targets.push({
      promise: `${summary.title}: ${times} times (c) or better`,
      measured: `${summary.timesBaseline.toFixed(1)} times`,
      met: summary.timesBaseline >= times,
    });
  };
  speed(verified, TIMES_VERIFIED);
  speed(unverified, TIMES_UNVERIFIED);
  if (unverified) {
    const share = (unverified.bytesRead + unverified.bytesWritten) / unverified.bytesMade;
    targets.push({
      promise: `${unverified.title}: under 1% of the bytes written pass through the worker`,
      measured: `${(100 * share).toFixed(2)}%`,
      met: share < SHARE_THROUGH_WORKER,
    });
  }
  const slowest = Math.max(...summaries.map((summary) => summary.firstActivitySeconds ?? 0));
  if (slowest > 0) {
    targets.push({
      promise: 'trigger message to first activity: under 1 s',
      measured: `${(1000 * slowest).toFixed(0)} ms at most`,
      met: slowest < FIRST_ACTIVITY_SECONDS,
    });
  }
  return targets;
}
