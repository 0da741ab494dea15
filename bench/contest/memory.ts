import { formatBytes, formatDuration } from '../../src/cli/format.ts';
import type { Row } from '../report/table.ts';
import type { Arena } from './arena.ts';
import type { JobPlace } from './competitor.ts';
import type { Assignment } from './exercise.ts';
import { measure } from './measure.ts';

/** What a worker may take, whatever it works on (bytes). */
const LIMIT_BYTES = 400e6;

/** A cell of the table: a kind of worker on a kind of work, and how much of that there is. */
export interface MemoryCell {
  /** What the table calls the line and the column. */
  readonly title: string;
  readonly size: string;
}

/** The most memory that a fresh worker has held while it did one job. In bytes. */
export interface MemoryFigure extends MemoryCell {
  readonly peakMemory: number | undefined;
  readonly seconds: number;
}

/** Does a job once, with a fresh worker, and looks at its memory. */
export async function measureMemory<J extends JobPlace>(
  arena: Arena,
  assignment: Omit<Assignment<J>, 'rehearsal'>,
  cell: MemoryCell,
): Promise<MemoryFigure> {
  const cold = { ...assignment, rehearsal: undefined };
  const { peakMemory, seconds } = await measure(arena, cold, { lanes: 1 });
  console.error(
    `  ${cell.title}, ${cell.size}: ${formatBytes(peakMemory ?? 0)}, ${formatDuration(seconds * 1000)}`,
  );
  return { ...cell, peakMemory, seconds };
}

/**
 * Sizes side by side, a line a kind of worker, held against the limit.
 *
 * @param mostGrowth how many times the memory for the least work that for the most may take; not held against it by default
 */
export function memoryTable(figures: readonly MemoryFigure[], mostGrowth = Infinity): Row[] {
  const isFlat = mostGrowth < Infinity;
  const sizes = [...new Set(figures.map(({ size }) => size))];
  const titles = [...new Set(figures.map(({ title }) => title))];
  const limit = formatBytes(LIMIT_BYTES) + (isFlat ? `, ${mostGrowth} times` : '');
  const header = ['peak memory of the worker', ...sizes, ...(isFlat ? ['growth'] : [])];
  const lines = titles.map((title): Row => {
    const peaks = sizes.map(
      (size) => figures.find((f) => f.title === title && f.size === size)?.peakMemory,
    );
    const growth = (peaks.at(-1) ?? 0) / (peaks[0] ?? 1);
    const met = peaks.every((peak) => (peak ?? 0) < LIMIT_BYTES) && growth <= mostGrowth;
    const cells = peaks.map((peak) => (peak ? formatBytes(peak) : '-'));
    if (isFlat) cells.push(`${growth.toFixed(2)} times`);
    return [title, ...cells, limit, met ? 'met' : 'missed'];
  });
  return [[...header, 'limit', ''], ...lines];
}
