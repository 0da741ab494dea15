import type { Summary } from './summary.ts';

/** What was promised of sheaf, and what was measured. */
export interface Target {
  readonly promise: string;
  readonly measured: string;
  readonly met: boolean;
}

/** The summary of a competitor by its id, where it was measured. */
export type Find = (id: string) => Summary | undefined;

/** A promise that is held against what was measured; undefined where that was not. */
export type Promised = (find: Find) => Target | undefined;

/** From the trigger message to the first activity (s). */
const FIRST_ACTIVITY_SECONDS = 1;

/** Holds what was measured against what was promised, and against what every job is to keep. */
export function checkTargets(
  summaries: readonly Summary[],
  promised: readonly Promised[],
): Target[] {
  const find: Find = (id) => summaries.find((summary) => summary.id === id);
  const targets = [...promised.map((check) => check(find)), firstActivity(summaries)];
  return targets.filter((target) => target !== undefined);
}

/** A competitor is to be so many times as fast as the baseline. */
export function speed(id: string, times: number): Promised {
  return (find) => {
    const { title, timesBaseline } = find(id) ?? {};
    if (timesBaseline === undefined) return undefined;
    return {
      promise: `${title}: ${times} times (c) or better`,
      measured: `${timesBaseline.toFixed(1)} times`,
      met: timesBaseline >= times,
    };
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
