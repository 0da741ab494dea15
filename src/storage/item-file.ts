import type { S3Client } from '@aws-sdk/client-s3';
import { CsvItems } from '../items/csv-items.ts';
import type { ItemRecord } from '../items/item.ts';
import { NdjsonItems } from '../items/ndjson-items.ts';
import type { ItemRules, RecordReader } from '../items/record-reader.ts';
import { type ObjectVersion, objectUrl } from './errors.ts';
import { readRange } from './objects.ts';
import { readAhead } from './read-ahead.ts';

/** How a file of items is read, and which of its bytes. */
export interface ItemFileOptions extends Omit<ItemRules, 'name'> {
  /** Where reading ends: an offset in bytes. */
  readonly end: number;
  /** The header of a CSV file, for reading that begins behind it. */
  readonly columns?: readonly string[] | undefined;
  readonly signal: AbortSignal;
  /** Bytes of one GET, and GETs at once: as many bytes are held. */
  readonly blockBytes: number;
  readonly lanes: number;
}

/** A file of items in S3, in one version. */
export class ItemFile {
  readonly #s3: S3Client;
  readonly #version: ObjectVersion;
  readonly #options: ItemFileOptions;
  readonly #reader: RecordReader & { readonly columns?: readonly string[] | undefined };

  constructor(s3: S3Client, version: ObjectVersion, options: ItemFileOptions) {
    this.#s3 = s3;
    this.#version = version;
    this.#options = options;
    const rules = { ...options, name: objectUrl(version) };
    this.#reader = version.key.toLowerCase().endsWith('.csv')
      ? new CsvItems(rules, options.start > 0 ? options.columns : undefined)
      : new NdjsonItems(rules);
  }

  /** The header of a CSV file, once it has been read. */
  get columns(): readonly string[] | undefined {
    return this.#reader.columns;
  }

  /**
   * The items in order, some at a time. They are read in ranges, none of which waits for the items
   * before it to be processed: S3 closes connections that are slow.
   *
   * @throws ItemsError where a record makes no item
   * @throws ObjectChangedError where the version is no longer there
   */
  async *records(): AsyncGenerator<readonly ItemRecord[]> {
    const { start, end, blockBytes, lanes, signal } = this.#options;
    const blocks = readAhead({
      ...{ start, end, signal, lanes },
      chunkBytes: blockBytes,
      read: (from, to, either) => readRange(this.#s3, this.#version, from, to, either),
    });
    for await (const block of blocks) yield await this.#reader.push(block);
    yield await this.#reader.end();
  }
}
