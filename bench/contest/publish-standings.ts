import { type PublishOptions, publish } from '../report/publish.ts';
import { standingsNotes, standingsTable, targetsTable } from './report.ts';
import type { Standing } from './rounds.ts';
import { summarise } from './summary.ts';
import { checkTargets, type Promised } from './targets.ts';

/** What competitors have achieved, and what is to be said of it. */
export interface Outcome {
  /** Of the report, as in `Report`. */
  readonly name: string;
  readonly subject: string;
  readonly standings: readonly Standing[];
  /** Bytes of all that ends up in archives. */
  readonly contentBytes: number;
  readonly promised: readonly Promised[];
  /** What was to be done, for whoever reads the figures. */
  readonly task: object;
}

/** Sums up, holds it against what was promised, and publishes it. */
export async function publishStandings(outcome: Outcome, options: PublishOptions): Promise<void> {
  const { name, subject, standings, contentBytes, promised, task } = outcome;
  const summaries = summarise(standings, contentBytes);
  const targets = checkTargets(summaries, promised);
  const tables = [standingsTable(summaries)];
  if (targets.length > 0) tables.push(targetsTable(targets));
  const notes = standingsNotes(summaries);
  await publish({ name, subject, tables, notes }, { task, summaries, targets, standings }, options);
}
