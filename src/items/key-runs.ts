import { hashKey, type KeyHash } from './key-sum.ts';

/** Keys of one run; 8 MiB. */
const RUN_KEYS = 1024 * 1024;

/** Keys that are compared together; 16 MiB, and as much again while they are collected. */
const PARTITION_KEYS = 2 * RUN_KEYS;

/** Hashes that came more than once which are told; more than enough to name some. */
const MAX_TOLD = 1000;

const BYTES_PER_KEY = 8;

type Hashes = BigUint64Array<ArrayBuffer>;

/** Where runs are kept. */
export interface RunStore {
  /** Keeps a run, numbered from 1. */
  write(number: number, bytes: Buffer): Promise<void>;
  /** Reads a kept run from offset `start` up to, not including, `end`. */
  read(number: number, start: number, end: number): Promise<Buffer>;
}

/**
 * Finds keys that come more than once among any number of them, in bounded memory and without a second
 * look at the keys: their 64-bit hashes are kept in sorted runs, and the runs are then compared a range
 * of hashes at a time. A single run stays in memory.
 */
export class KeyRuns {
  readonly #store: RunStore;
  readonly #keys: Hashes;
  readonly #words: Uint32Array;
  #count = 0;
  /** The keys of each run that is kept. */
  readonly #kept: number[];

  /**
   * @param kept the keys of each run that an earlier attempt has kept
   * @param runKeys keys of a run at most
   */
  constructor(store: RunStore, kept: readonly number[] = [], runKeys = RUN_KEYS) {
    this.#store = store;
    this.#keys = new BigUint64Array(runKeys);
    this.#words = new Uint32Array(this.#keys.buffer);
    this.#kept = [...kept];
  }

  /** The keys of each run that is kept. */
  get kept(): readonly number[] {
    return this.#kept;
  }

  /** True once the open run is at least half full. */
  get isWorthKeeping(): boolean {
    return this.#count >= this.#keys.length / 2;
  }

  /** True where the open run must be kept before another key is added. */
  get isFull(): boolean {
    return this.#count === this.#keys.length;
  }

  add({ high, low }: KeyHash): void {
    this.#words[2 * this.#count] = low;
    this.#words[2 * this.#count + 1] = high;
    this.#count += 1;
  }

  /** Keeps the open run, and opens another one. */
  async keep(): Promise<void> {
    if (this.#count === 0) return;
    const run = this.#sorted();
    await this.#store.write(this.#kept.length + 1, bytesOf(run));
    this.#kept.push(run.length);
    this.#count = 0;
  }

  /**
   * The hashes that came more than once, some of them where there are many; different keys may share
   * one. Calls `onPartition` now and then.
   */
  async repeated(onPartition: () => void = () => {}): Promise<ReadonlySet<bigint>> {
    if (this.#kept.length === 0) return repeatedIn(this.#sorted());
    await this.keep();
    const total = this.#kept.reduce((sum, keys) => sum + keys, 0);
    const partitions = Math.ceil(total / PARTITION_KEYS);
    const cursors = this.#kept.map((keys, index) => new RunCursor(this.#store, index + 1, keys));
    const repeated = new Set<bigint>();
    for (let number = 1; number <= partitions; number++) {
      const end = (BigInt(number) << 64n) / BigInt(partitions);
      const slices: Hashes[] = [];
      for (const cursor of cursors) slices.push(...(await cursor.below(end)));
      for (const hash of repeatedIn(joined(slices).sort())) repeated.add(hash);
      if (repeated.size >= MAX_TOLD) break;
      onPartition();
    }
    return repeated;
  }

  #sorted(): Hashes {
    return this.#keys.subarray(0, this.#count).sort();
  }
}

/** The hash that {@link KeyRuns} tells of a key. */
export function runHash(key: string): bigint {
  const { high, low } = hashKey(key);
  return (BigInt(high) << 32n) | BigInt(low);
}

/** Bytes of a run that are read together; with a hundred runs, 13 MiB. */
const READ_BYTES = 16 * 1024 * BYTES_PER_KEY;

/** Reads a run from its smallest hash on. */
class RunCursor {
  readonly #store: RunStore;
  readonly #number: number;
  readonly #bytes: number;
  #position = 0;
  #block: Hashes = new BigUint64Array(0);

  constructor(store: RunStore, number: number, keys: number) {
    this.#store = store;
    this.#number = number;
    this.#bytes = keys * BYTES_PER_KEY;
  }

  /** The hashes below a limit that have not been read yet. */
  async below(limit: bigint): Promise<Hashes[]> {
    const found: Hashes[] = [];
    for (;;) {
      const end = lowerBound(this.#block, limit);
      if (end > 0) found.push(this.#block.subarray(0, end));
      this.#block = this.#block.subarray(end);
      if (this.#block.length > 0 || this.#position === this.#bytes) return found;
      const to = Math.min(this.#position + READ_BYTES, this.#bytes);
      this.#block = keysOf(await this.#store.read(this.#number, this.#position, to));
      this.#position = to;
    }
  }
}

/** The index of the first hash that is not below a limit. */
function lowerBound(hashes: Hashes, limit: bigint): number {
  let from = 0;
  let to = hashes.length;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if ((hashes[middle] as bigint) < limit) from = middle + 1;
    else to = middle;
  }
  return from;
}

function repeatedIn(sorted: Hashes): Set<bigint> {
  const repeated = new Set<bigint>();
  for (let index = 1; index < sorted.length && repeated.size < MAX_TOLD; index++) {
    if (sorted[index] === sorted[index - 1]) repeated.add(sorted[index] as bigint);
  }
  return repeated;
}

function joined(slices: readonly Hashes[]): Hashes {
  const all = new BigUint64Array(slices.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const slice of slices) {
    all.set(slice, at);
    at += slice.length;
  }
  return all;
}

function bytesOf(keys: Hashes): Buffer {
  return Buffer.from(keys.buffer, keys.byteOffset, keys.byteLength);
}

/** A copy: a buffer's bytes need not begin where eight-byte numbers may. */
function keysOf(bytes: Buffer): Hashes {
  const copy = new BigUint64Array(bytes.length / BYTES_PER_KEY);
  Buffer.from(copy.buffer).set(bytes);
  return copy;
}
