import cliProgress from 'cli-progress';
import type { SplitProgress } from '../workflows/split-progress.ts';
import { formatBytes } from './format.ts';

/** Where there is no terminal to draw on, a line is written this often at most (ms). */
const LINE_INTERVAL_MS = 5_000;

/** Shows a split run's progress. */
export interface ProgressBars {
  update(progress: SplitProgress): void;
  stop(): void;
}

/** Bars on a terminal, a line now and then elsewhere. */
export function progressBars(stream: NodeJS.WriteStream): ProgressBars {
  return stream.isTTY ? drawnBars(stream) : writtenLines(stream);
}

const NAMES = ['read', 'batches', 'images', 'built', 'verified'] as const;
type Name = (typeof NAMES)[number];

/** The others are counted. */
const IN_BYTES: readonly Name[] = ['read', 'built', 'verified'];

function drawnBars(stream: NodeJS.WriteStream): ProgressBars {
  const multi = new cliProgress.MultiBar({
    stream,
    hideCursor: true,
    format: '  {name} {bar} {text}',
    barsize: 32,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    linewrap: false,
  });
  const bars = new Map<Name, cliProgress.SingleBar>();
  return {
    update(progress) {
      for (const name of NAMES) {
        const { done, total } = tallyOf(progress, name);
        if (total === 0) continue;
        const text = describe(progress, name);
        const bar = bars.get(name);
        if (bar) bar.update(Math.min(done, total), { text });
        else bars.set(name, multi.create(total, done, { name: name.padEnd(8), text }));
      }
    },
    stop: () => multi.stop(),
  };
}

function writtenLines(stream: NodeJS.WriteStream): ProgressBars {
  let shownAt = 0;
  let shown = '';
  return {
    update(progress) {
      const ended = progress.stage === 'done' || progress.stage === 'failed';
      if (!ended && Date.now() - shownAt < LINE_INTERVAL_MS) return;
      const tallies = NAMES.filter((name) => tallyOf(progress, name).total > 0);
      const line = [
        progress.stage,
        ...tallies.map((name) => `${name} ${describe(progress, name)}`),
      ].join(', ');
      if (line === shown) return;
      stream.write(`  ${line}\n`);
      shown = line;
      shownAt = Date.now();
    },
    stop() {},
  };
}

function tallyOf(progress: SplitProgress, name: Name) {
  if (name === 'read') return progress.unpacked;
  return name === 'built' ? progress.bytes : progress[name];
}

function describe(progress: SplitProgress, name: Name): string {
  const { done, total } = tallyOf(progress, name);
  const inBytes = IN_BYTES.includes(name);
  const [from, to] = inBytes
    ? [formatBytes(Math.min(done, total)), formatBytes(total)]
    : [done.toLocaleString('en'), total.toLocaleString('en')];
  return `${from} of ${to}`;
}
