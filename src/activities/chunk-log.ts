import { LowWater } from '../items/low-water.ts';
import { WINDOW_ITEMS } from '../items/run-items.ts';
import { type ChunkRecord, failuresName, type ItemObjects } from './item-objects.ts';

/** Bytes of failures that are written down at once at the latest; some 200 bytes each. */
const MAX_PENDING_BYTES = 1024 * 1024;

/** Attempts whose failures a record names: more are copied into one, to keep the record small. */
const MAX_WRITERS = 6;

/** The chunk that is written down, and who writes. */
export interface ChunkWriter {
  readonly shard: number;
  readonly chunk: number;
  /** Names the attempt, as no other is named. */
  readonly writer: string;
}

/**
 * Counts the items of a chunk, and writes its failures down before it tells that they are counted: a
 * retry that starts from what was told misses none and has none twice.
 */
export class ChunkLog {
  readonly counts: LowWater;
  readonly #objects: ItemObjects;
  readonly #writer: ChunkWriter;
  readonly #tell: (record: ChunkRecord) => void;
  readonly #earlier: readonly string[];
  #lines: string[] = [];
  #bytes = 0;
  #written = 0;
  #saving: Promise<ChunkRecord> | undefined;

  /**
   * @param from what an earlier attempt has told
   * @param tell is given each record once all failures that it counts are in S3
   */
  private constructor(
    objects: ItemObjects,
    writer: ChunkWriter,
    from: ChunkRecord,
    tell: (record: ChunkRecord) => void,
  ) {
    this.#objects = objects;
    this.#writer = writer;
    this.#tell = tell;
    this.#earlier = from.failures;
    this.counts = new LowWater(from, WINDOW_ITEMS, (id, error) => {
      const line = `${JSON.stringify({ id, error })}\n`;
      this.#lines.push(line);
      this.#bytes += line.length;
    });
  }

  static async open(
    objects: ItemObjects,
    writer: ChunkWriter,
    from: ChunkRecord,
    tell: (record: ChunkRecord) => void,
    signal: AbortSignal,
  ): Promise<ChunkLog> {
    if (from.failures.length < MAX_WRITERS) return new ChunkLog(objects, writer, from, tell);
    const log = new ChunkLog(objects, writer, { ...from, failures: [] }, tell);
    for await (const failures of readFailures(objects, writer, from.failures, signal)) {
      await log.#write(failures);
    }
    return log;
  }

  /** Waits while too many failures are not written down yet. */
  room(): Promise<unknown> | undefined {
    return this.#bytes < MAX_PENDING_BYTES ? undefined : this.save();
  }

  /** Writes down the failures that are counted by now, and tells how far the chunk is. */
  save(): Promise<ChunkRecord> {
    this.#saving ??= this.#save().finally(() => {
      this.#saving = undefined;
    });
    return this.#saving;
  }

  /** Saves what there is once all that is being saved has been. */
  async saveLast(): Promise<ChunkRecord> {
    await this.#saving;
    return this.save();
  }

  async #save(): Promise<ChunkRecord> {
    const mark = this.counts.mark;
    const lines = this.#lines;
    this.#lines = [];
    this.#bytes = 0;
    if (lines.length > 0) await this.#write(Buffer.from(lines.join('')));
    const { writer } = this.#writer;
    const own = this.#written > 0 ? [`${writer}:${this.#written}`] : [];
    const record = { ...mark, failures: [...this.#earlier, ...own] };
    this.#tell(record);
    return record;
  }

  async #write(failures: Buffer): Promise<void> {
    const { shard, chunk, writer } = this.#writer;
    // The attempt may have been told to stop: what it has counted is written down all the same.
    await this.#objects.put(failuresName(shard, chunk, writer, this.#written + 1), failures);
    this.#written += 1;
  }
}

/** The failures of a chunk, object by object, as its record names them. */
export async function* readFailures(
  objects: ItemObjects,
  { shard, chunk }: Pick<ChunkWriter, 'shard' | 'chunk'>,
  failures: readonly string[],
  signal: AbortSignal,
): AsyncGenerator<Buffer> {
  for (const name of failures) {
    const [writer = '', count] = name.split(':');
    for (let number = 1; number <= Number(count); number++) {
      yield await objects.get(failuresName(shard, chunk, writer, number), signal);
    }
  }
}
