import { formatDuration } from '../../src/cli/format.ts';
import type { Arena } from './arena.ts';
import type { About, JobPlace } from './competitor.ts';
import type { Assignment } from './exercise.ts';
import { type Measurement, measure } from './measure.ts';
import { measureUntimed, type Untimed } from './untimed.ts';

/** All that is known of one competitor. */
export interface Standing extends Untimed {
  readonly id: string;
  readonly title: string;
  /** Where the number of lanes was to be chosen: what they are, each number tried with its time (s), and the best. */
  readonly lanes?: {
    readonly what: string;
    readonly best: number;
    readonly tried: Readonly<Record<string, number>>;
  };
  readonly rounds: readonly Measurement[];
}

export interface RoundsOptions {
  readonly rounds: number;
  /** Numbers of lanes that are tried for each program that has them. */
  readonly lanes: readonly number[];
}

/**
 * Lets the competitors work in turn, round after round, so that whatever drifts on the machine hits
 * all alike. Before the rounds that count, each program is tried with every number of lanes and keeps
 * its best one, and what takes time to measure is measured in a round of its own.
 */
export async function runRounds<J extends JobPlace>(
  arena: Arena,
  assignments: readonly Assignment<J>[],
  { rounds, lanes: choices }: RoundsOptions,
): Promise<Standing[]> {
  const standings: (Standing & { rounds: Measurement[]; assignment: Assignment<J> })[] = [];
  for (const assignment of assignments) {
    const { id, title, lanes: what } = assignment.competitor;
    const lanes =
      what === undefined ? undefined : await chooseLanes(arena, assignment, what, choices);
    const { figures, ...untimed } = await measureUntimed(arena, assignment, lanes?.best ?? 1);
    tell(assignment.competitor, `counted, ${untimed.traffic.requests} requests`, figures);
    standings.push({ id, title, ...untimed, ...(lanes && { lanes }), rounds: [], assignment });
  }
  for (let round = 1; round <= rounds; round++) {
    for (const { assignment, rounds: measured, lanes } of standings) {
      const figures = await measure(arena, assignment, { lanes: lanes?.best ?? 1 });
      measured.push(figures);
      tell(assignment.competitor, `round ${round} of ${rounds}`, figures);
    }
  }
  return standings.map(({ assignment: _, ...standing }) => standing);
}

async function chooseLanes<J extends JobPlace>(
  arena: Arena,
  assignment: Assignment<J>,
  what: string,
  choices: readonly number[],
): Promise<Standing['lanes'] & object> {
  const tried: Record<string, number> = {};
  for (const lanes of choices) {
    const figures = await measure(arena, assignment, { lanes });
    tried[lanes] = figures.seconds;
    tell(assignment.competitor, `tried with ${lanes} ${what}`, figures);
  }
  const [best] = choices.toSorted((a, b) => (tried[a] ?? 0) - (tried[b] ?? 0));
  return { what, best: best as number, tried };
}

function tell({ id, title }: About, what: string, { seconds }: Measurement): void {
  const name = `${id.padEnd(2)} ${title.padEnd(20)}`;
  console.error(`  ${name}  ${formatDuration(seconds * 1000).padStart(7)}  ${what}`);
}
