import { formatDuration } from './format.ts';
import type { Tally } from './progress-bars.ts';

/** What a speed is taken of: the last so many milliseconds. */
const WINDOW_MS = 30_000;

/** A speed over a shorter time says nothing (ms). */
const LEAST_MS = 1_000;

interface Sample {
  readonly at: number;
  readonly done: number;
}

/** How fast tallies go, by their names. */
export class Speeds {
  readonly #samples = new Map<string, Sample[]>();
  readonly #now: () => number;

  /** @param now the time in milliseconds */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** How many a second, and how long the rest takes; undefined where that is not wanted, or can't be said. */
  describe({ name, done, total, timed }: Tally): string | undefined {
    if (!timed) return undefined;
    const at = this.#now();
    const samples = this.#samples.get(name) ?? [];
    this.#samples.set(name, samples);
    samples.push({ at, done });
    while (samples.length > 2 && at - (samples[1] as Sample).at >= WINDOW_MS) samples.shift();
    const first = samples[0] as Sample;
    if (at - first.at < LEAST_MS || done <= first.done) return undefined;
    const perMs = (done - first.done) / (at - first.at);
    const speed = `${Math.round(perMs * 1000).toLocaleString('en')}/s`;
    return done >= total ? speed : `${speed}, ${formatDuration((total - done) / perMs)} left`;
  }
}
