import cliProgress from 'cli-progress';
import { formatBytes } from './format.ts';
import { Speeds } from './speeds.ts';

/** Where there is no terminal to draw on, a line is written this often at most (ms). */
const LINE_INTERVAL_MS = 5_000;

/** Something that a run has so much of to do. */
export interface Tally {
  readonly name: string;
  readonly done: number;
  /** 0 where there is nothing to be done, or it is not known yet. */
  readonly total: number;
  /** Whether bytes are counted, or things. */
  readonly inBytes: boolean;
  /** Whether it is said how many there are a second, and how long the rest takes. */
  readonly timed?: boolean;
  /** What else is to be said. */
  readonly note?: string;
}

/** How far a run is. */
export interface RunProgress {
  /** What it does, in a word. */
  readonly stage: string;
  readonly ended: boolean;
  readonly tallies: readonly Tally[];
}

/** Shows a run's progress. */
export interface ProgressBars {
  update(progress: RunProgress): void;
  stop(): void;
}

/** Bars on a terminal, a line now and then elsewhere. */
export function progressBars(stream: NodeJS.WriteStream): ProgressBars {
  return stream.isTTY ? drawnBars(stream) : writtenLines(stream);
}

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
  const bars = new Map<string, cliProgress.SingleBar>();
  const speeds = new Speeds();
  return {
    update({ tallies }) {
      for (const tally of tallies) {
        const { name, done, total } = tally;
        if (total === 0) continue;
        const text = describe(tally, speeds.describe(tally));
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
  const speeds = new Speeds();
  return {
    update({ stage, ended, tallies }) {
      const known = tallies.filter(({ total }) => total > 0);
      const paces = known.map((tally) => speeds.describe(tally));
      if (!ended && Date.now() - shownAt < LINE_INTERVAL_MS) return;
      const counted = known.map((tally, index) => `${tally.name} ${describe(tally, paces[index])}`);
      const line = [stage, ...counted].join(', ');
      if (line === shown) return;
      stream.write(`  ${line}\n`);
      shown = line;
      shownAt = Date.now();
    },
    stop() {},
  };
}

/** How far a run is, in a line. */
export function describeTallies({ stage, tallies }: RunProgress): string {
  const known = tallies.filter(({ total }) => total > 0);
  const counts = known.map((tally) => `${tally.name} ${describe(tally, undefined)}`);
  return [stage, ...counts].filter(Boolean).join(', ');
}

function describe({ done, total, inBytes, note }: Tally, pace: string | undefined): string {
  const [from, to] = inBytes
    ? [formatBytes(Math.min(done, total)), formatBytes(total)]
    : [done.toLocaleString('en'), total.toLocaleString('en')];
  return [`${from} of ${to}`, pace, note].filter(Boolean).join(', ');
}
