import { availableParallelism } from 'node:os';
import { formatDuration } from '../../src/cli/format.ts';
import { spread } from '../measure/statistics.ts';
import type { Row } from '../report/table.ts';
import { type ProcessorTime, TAKERS, type Taker } from './processor-time.ts';

/** So many processes, and what they have done, in each round. */
export interface Step {
  /** The processes whose number is what differs from step to step. */
  readonly processes: number;
  readonly rounds: readonly StepFigures[];
}

interface StepFigures {
  /** Jobs, or messages. */
  readonly done: number;
  readonly seconds: number;
  readonly processors: ProcessorTime;
}

/** What is counted, and in what time. */
export interface Unit {
  /** The processes, e.g. `worker`. */
  readonly process: string;
  /** What is done, e.g. `job`. */
  readonly thing: string;
  readonly time: 'minute' | 'second';
}

/** More processes that bring less than this in addition bring nothing. */
const LEAST_GROWTH = 1.1;

/** The kernel's share of the cores is below this; more is taken by something else. */
const MOST_REST = 0.12;

/** Cores that are busy for so much of the time are full. */
const FULL = 0.9;

/** The steps side by side, each as a multiple of the first. */
export function stepsTable(steps: readonly Step[], unit: Unit): Row[] {
  const { process, thing, time } = unit;
  const base = rateOf(steps[0], unit).median;
  const processors = processorColumns(steps);
  return [
    [
      ...[`${process}s`, `${thing}s a ${time}`, 'range', `times ${steps[0]?.processes} ${process}`],
      ...processors.header,
    ],
    ...steps.map((step): Row => {
      const { median, min, max } = rateOf(step, unit);
      return [
        String(step.processes),
        rounded(median),
        `${rounded(min)} to ${rounded(max)}`,
        (median / base).toFixed(2),
        ...processors.cells(step),
      ];
    }),
  ];
}

/** How busy the cores were, and what each process took of them for one thing that was done, with its share. */
export function processorColumns(steps: readonly Step[]) {
  const takers = TAKERS.filter((taker) => steps.some((step) => costOf(step, taker) > 0));
  return {
    header: ['cores busy', ...takers],
    cells: (step: Step): string[] => {
      const costs = takers.map((taker) => costOf(step, taker));
      const sum = costs.reduce((all, cost) => all + cost, 0);
      return [
        percent(busyOf(step)),
        ...costs.map((cost) => `${(cost * 1000).toFixed(1)} ms, ${percent(cost / sum)}`),
      ];
    },
  };
}

/** Where it stops growing, and why, as far as it was measured. */
export function explainGrowth(steps: readonly Step[], unit: Unit): string {
  const names = (step: Step) =>
    `${step.processes} ${unit.process}${step.processes === 1 ? '' : 's'}`;
  const rates = steps.map((step) => rateOf(step, unit).median);
  const end = steps.findIndex((_, index) => {
    const [rate = 0, next] = rates.slice(index);
    return next === undefined || next / rate < LEAST_GROWTH;
  });
  const step = steps[end] as Step;
  const cores = `${availableParallelism()} cores`;
  const busy = `${percent(busyOf(step))} busy`;
  if (end === steps.length - 1) {
    return `It grows up to ${names(step)}, the most that were tried; the ${cores} are ${busy} then.`;
  }
  const after = steps[end + 1] as Step;
  const [first, second] = TAKERS.filter((taker) => taker !== 'rest').toSorted(
    (a, b) => costOf(step, b) - costOf(step, a),
  );
  if (busyOf(step) >= FULL || busyOf(after) >= FULL) {
    return `It stops growing at ${names(step)}, because the ${cores} are full: ${busy}, and ${percent(busyOf(after))} with ${names(after)}. Most of it goes to ${first}, then ${second}.`;
  }
  const ofOneCore = costOf(step, first as Taker) * rateOf(step, { time: 'second' }).median;
  return `It stops growing at ${names(step)}, with the ${cores} ${busy}: not for want of processors. The busiest process is ${first}, with ${percent(ofOneCore)} of one core.`;
}

/** A warning where the machine had other things to do, else nothing. */
export function disturbances(steps: readonly Step[]): string[] {
  const most = Math.max(
    ...steps.flatMap(({ rounds }) => rounds.map(({ processors }) => processors.rest)),
  );
  if (most < MOST_REST) return [];
  return [`Disturbed: something else has taken up to ${percent(most)} of the cores.`];
}

/** Things done in a unit of time. */
export function rateOf(step: Step | undefined, { time }: Pick<Unit, 'time'>) {
  const scale = time === 'minute' ? 60 : 1;
  return spread((step?.rounds ?? []).map(({ done, seconds }) => (done / seconds) * scale));
}

/** The longest that a step took, for people. */
export function durationOf({ rounds }: Step): string {
  return formatDuration(spread(rounds.map(({ seconds }) => seconds)).median * 1000);
}

/** Processor time (s) that a process took for one thing that was done. */
function costOf({ rounds }: Step, taker: Taker): number {
  return spread(rounds.map(({ done, processors }) => (processors.seconds[taker] ?? 0) / done))
    .median;
}

function busyOf({ rounds }: Step): number {
  return spread(rounds.map(({ processors }) => processors.busy)).median;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)}%`;
}

function rounded(rate: number): string {
  return Math.round(rate).toLocaleString('en');
}
