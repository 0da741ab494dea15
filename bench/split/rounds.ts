import { formatDuration } from '../../src/cli/format.ts';
import type { Archive } from './archive.ts';
import type { Arena } from './arena.ts';
import type { Competitor } from './competitor.ts';
import { type Measurement, measure } from './measure.ts';
import { measureUntimed, type Untimed } from './untimed.ts';

/** All that is known of one competitor. */
export interface Standing extends Untimed {
  readonly id: string;
  readonly title: string;
  /** Batch zips at once, where that was to be chosen: each number tried, with its time (s), and the best. */
  readonly lanes?: { readonly best: number; readonly tried: Readonly<Record<string, number>> };
  readonly rounds: readonly Measurement[];
}

export interface RoundsOptions {
  readonly archive: Archive;
  /** What is split first, untimed, see measure.ts. */
  readonly rehearsal: Archive | undefined;
  readonly rounds: number;
  /** Numbers of batch zips at once that are tried for each program. */
  readonly lanes: readonly number[];
}

/**
 * Lets the competitors split the archive in turn, round after round, so that whatever drifts on the
 * machine hits all alike. Before the rounds that count, each program is tried with every number of
 * lanes and keeps its best one, and what takes time to measure is measured in a round of its own.
 */
export async function runRounds(
  arena: Arena,
  competitors: readonly Competitor[],
  options: RoundsOptions,
): Promise<Standing[]> {
  const { rounds } = options;
  const standings: (Standing & { rounds: Measurement[]; competitor: Competitor })[] = [];
  for (const competitor of competitors) {
    const { id, title } = competitor;
    const choice = competitor.hasLanes && (await chooseLanes(arena, competitor, options));
    const lanes = choice ? choice.best : 1;
    const { figures, ...untimed } = await measureUntimed(arena, competitor, options.archive, lanes);
    tell(competitor, `counted, ${untimed.traffic.requests} requests`, figures);
    const entry = { id, title, ...untimed, rounds: [], competitor };
    standings.push(choice ? { ...entry, lanes: choice } : entry);
  }
  for (let round = 1; round <= rounds; round++) {
    for (const { competitor, rounds: measured, lanes } of standings) {
      const figures = await measure(arena, competitor, { ...options, lanes: lanes?.best ?? 1 });
      measured.push(figures);
      tell(competitor, `round ${round} of ${rounds}`, figures);
    }
  }
  return standings.map(({ competitor: _, ...standing }) => standing);
}

async function chooseLanes(
  arena: Arena,
  competitor: Competitor,
  options: RoundsOptions,
): Promise<Standing['lanes'] & object> {
  const tried: Record<string, number> = {};
  for (const lanes of options.lanes) {
    const figures = await measure(arena, competitor, { ...options, lanes });
    tried[lanes] = figures.seconds;
    tell(competitor, `tried with ${lanes} batch zips at once`, figures);
  }
  const [best] = options.lanes.toSorted((a, b) => (tried[a] ?? 0) - (tried[b] ?? 0));
  return { best: best as number, tried };
}

function tell({ id, title }: Competitor, what: string, { seconds }: Measurement): void {
  const name = `${id.padEnd(2)} ${title.padEnd(20)}`;
  console.error(`  ${name}  ${formatDuration(seconds * 1000).padStart(7)}  ${what}`);
}
