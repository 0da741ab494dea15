import type { S3Client } from '@aws-sdk/client-s3';
import { entryError } from '../archive/entry-names.ts';
import { ArchiveError } from '../archive/errors.ts';
import { hasUnknownCrc } from '../archive/part-crcs.ts';
import { cutParts } from '../archive/part-plan.ts';
import type { ZipEntry } from '../archive/zip-entry.ts';
import { readZipIndex } from '../archive/zip-index.ts';
import { layoutZip } from '../archive/zip-layout.ts';
import { layoutMerged } from '../archive/zip-merge.ts';
import {
  encodeShard,
  type PlannedPart,
  type PlannedPiece,
  type PlannedSource,
} from '../archive/zip-shard-file.ts';
import { rangesOf, shardParts } from '../archive/zip-shards.ts';
import type { Config } from '../config.ts';
import { type ObjectLocation, ObjectMissingError } from '../storage/errors.ts';
import { headObject, objectReader } from '../storage/objects.ts';
import { heartbeating } from './heartbeat.ts';
import type { InspectedFiles } from './inspect-files.ts';
import {
  deflatedName,
  type InspectedFile,
  LAST_SHARD,
  shardName,
  ZipObjects,
} from './zip-objects.ts';

/** What a run is going to build. Small: what is large lies in S3. */
export interface ZipPlan {
  readonly target: ObjectLocation;
  readonly fingerprint: string;
  /** The archive's size in bytes. */
  readonly size: number;
  readonly files: number;
  /** Stretches that the files are written down in. */
  readonly stretches: number;
  readonly parts: number;
  /** Shards that the parts are built in, numbered from 1. */
  readonly shards: number;
  /** Shards that are built at once. */
  readonly lanes: number;
  /** Bytes that planning wrote to S3. */
  readonly bytesWritten: number;
}

/** An archive's pieces, and the sources of its ranges. */
interface PlannedLayout {
  readonly size: number;
  readonly pieces: readonly PlannedPiece[];
  readonly sources: readonly PlannedSource[];
}

/** Ranges of files in a shard: some ten kilobytes in each heartbeat. */
const SHARD_RANGES = 4000;

/** S3: a part is not larger than this (bytes). Only an archive of more than 50 TB would have one. */
const S3_MAX_PART_BYTES = 5 * 1024 ** 3;

/** The activity that lays an archive out. */
export function createPlanZipActivity(dependencies: {
  readonly s3: S3Client;
  readonly config: Config;
}) {
  const { s3, config } = dependencies;

  /** The entries of what a group has been deflated to, which must be those that it was to have. */
  async function readGroup(store: ZipObjects, number: number, signal: AbortSignal) {
    const location = store.locate(deflatedName(number));
    const head = await headObject(s3, location, signal);
    if (!head) throw new ObjectMissingError(location);
    const { bucket, key, etag, size } = head;
    const entries = await readZipIndex(objectReader(s3, head, signal), NO_LIMITS);
    return { source: { bucket, key, etag, size }, entries };
  }

  async function layoutDeflated(
    store: ZipObjects,
    files: readonly InspectedFile[],
    groups: number,
    signal: AbortSignal,
  ): Promise<PlannedLayout> {
    const sources: PlannedSource[] = [];
    const archives: (readonly ZipEntry[])[] = [];
    for (let number = 1; number <= groups; number++) {
      const { source, entries } = await readGroup(store, number, signal);
      sources.push(source);
      archives.push(entries);
    }
    assertDeflated(archives.flat(), files);
    return { ...layoutMerged(archives), sources };
  }

  return {
    /** Lays the archive out, cuts it into parts, and stores the plan of each shard. */
    async planZip(inspected: InspectedFiles): Promise<ZipPlan> {
      return heartbeating(async ({ signal }) => {
        const { target, fingerprint, stretches, groups, lanes } = inspected;
        const store = new ZipObjects(s3, target.bucket);
        const files = await store.loadFiles(stretches, signal);
        const layout =
          groups > 0
            ? await layoutDeflated(store, files, groups, signal)
            : { ...layoutZip(files.map(({ file }) => file)), sources: files };

        const parts: PlannedPart[] = cutParts<PlannedPiece>(layout, {
          rangeCopy: config.RANGE_COPY,
        });
        assertAcceptable(parts);
        const { sources } = layout;
        const limits = { parts: config.SHARD_PARTS, ranges: SHARD_RANGES };
        const { shards, last } = shardParts(
          parts,
          (index) => !hasUnknownCrc(sources[index]),
          limits,
        );
        const named = [...shards.map((shard, index) => [shardName(index + 1), shard] as const)];
        let bytesWritten = 0;
        for (const [name, shard] of [...named, [LAST_SHARD, last] as const]) {
          const stored = encodeShard({ parts: shard, sources: sourcesOf(shard, sources) });
          bytesWritten += await store.put(name, stored, signal);
        }
        return {
          target,
          fingerprint,
          size: layout.size,
          files: files.length,
          stretches,
          parts: parts.length,
          shards: shards.length,
          lanes,
          bytesWritten,
        };
      });
    },
  };
}

/** What this run has packed itself is as large as its files are. */
const NO_LIMITS = {
  maxEntries: Number.MAX_SAFE_INTEGER,
  maxEntryBytes: Number.MAX_SAFE_INTEGER,
  maxTotalBytes: Number.MAX_SAFE_INTEGER,
  maxRatio: Number.MAX_SAFE_INTEGER,
};

/** Throws `ArchiveError` unless the entries are the files, by name, size and, where S3 knows it, CRC-32. */
function assertDeflated(entries: readonly ZipEntry[], files: readonly InspectedFile[]): void {
  if (entries.length !== files.length) {
    throw new ArchiveError(`Expected ${files.length} deflated files, got ${entries.length}`);
  }
  for (const [index, { file }] of files.entries()) {
    const entry = entries[index] as ZipEntry;
    const isSame =
      entry.name === file.name &&
      entry.uncompressedSize === file.size &&
      (file.crc32 === undefined || entry.crc32 === file.crc32);
    if (!isSame) throw entryError(file.name, 'what was deflated is not what S3 says of the object');
  }
}

function assertAcceptable(parts: readonly PlannedPart[]): void {
  const tooLarge = parts.find(({ size }) => size > S3_MAX_PART_BYTES);
  if (!tooLarge) return;
  throw new ArchiveError(
    `The archive is too large for S3: one of its 10,000 parts would have ${tooLarge.size} bytes`,
  );
}

function sourcesOf(
  shard: readonly PlannedPart[],
  sources: readonly PlannedSource[],
): Map<number, PlannedSource> {
  const used = new Map<number, PlannedSource>();
  const use = (index: number) => used.set(index, sources[index] as PlannedSource);
  for (const part of shard) {
    for (const { source = 0 } of rangesOf(part)) use(source);
    if (part.kind === 'copy') continue;
    for (const piece of part.pieces) if ('header' in piece) use(piece.header);
  }
  return used;
}
