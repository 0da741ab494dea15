import { type Promised, speed } from '../contest/targets.ts';
import type { ZipTask } from './objects.ts';

/** A kind of objects that zips are measured with. */
export interface ZipSet extends ZipTask {
  readonly promised: readonly Promised[];
}

/** Objects that are read many at a time, and objects that S3 copies. */
export const SETS: Readonly<Record<string, ZipSet>> = {
  small: { objects: 3000, objectBytes: 350_000, promised: [speed('a', 4)] },
  big: { objects: 60, objectBytes: 16_000_000, promised: [speed('a', 8)] },
};

/** What is flat: fifty times the bytes may take so many times the memory. */
export const MOST_MEMORY_GROWTH = 1.25;
