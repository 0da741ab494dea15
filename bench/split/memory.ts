import { formatBytes, formatCount, formatDuration } from '../../src/cli/format.ts';
import type { Row } from '../report/table.ts';
import { makeArchive, type SplitTask } from './archive.ts';
import type { Arena } from './arena.ts';
import type { Competitor } from './competitor.ts';
import { measure } from './measure.ts';

/** What a worker may take for any archive (bytes). */
const LIMIT_BYTES = 400e6;

/** The most memory that a fresh worker has held while it split one archive. In bytes. */
export interface MemoryFigure {
  readonly id: string;
  readonly title: string;
  readonly images: number;
  readonly archiveBytes: number;
  readonly peakMemory: number | undefined;
  readonly seconds: number;
}

/** Splits archives of different sizes, each with a fresh worker of each kind, and looks at its memory. */
export async function measureMemory(
  arena: Arena,
  competitors: readonly Competitor[],
  tasks: readonly SplitTask[],
): Promise<MemoryFigure[]> {
  const figures: MemoryFigure[] = [];
  for (const task of tasks) {
    const archive = await makeArchive(task, arena.folder);
    for (const competitor of competitors) {
      const { peakMemory, seconds } = await measure(arena, competitor, {
        archive,
        rehearsal: undefined,
        lanes: 1,
      });
      const { id, title } = competitor;
      const archiveBytes = archive.size;
      figures.push({ id, title, images: task.images, archiveBytes, peakMemory, seconds });
      console.error(
        `  ${title}, ${formatCount(task.images, 'image')}: ${formatBytes(peakMemory ?? 0)}, ${formatDuration(seconds * 1000)}`,
      );
    }
  }
  return figures;
}

/** Archives side by side, a line a kind of worker. */
export function memoryTable(figures: readonly MemoryFigure[]): Row[] {
  const sizes = [...new Set(figures.map(({ archiveBytes }) => archiveBytes))];
  const titles = [...new Set(figures.map(({ title }) => title))];
  const header = ['peak memory of the worker', ...sizes.map(formatBytes), 'limit', ''];
  const lines = titles.map((title): Row => {
    const peaks = sizes.map(
      (size) => figures.find((f) => f.title === title && f.archiveBytes === size)?.peakMemory,
    );
    const met = peaks.every((peak) => (peak ?? 0) < LIMIT_BYTES);
    const cells = peaks.map((peak) => (peak ? formatBytes(peak) : '-'));
    return [title, ...cells, formatBytes(LIMIT_BYTES), met ? 'met' : 'missed'];
  });
  return [header, ...lines];
}
