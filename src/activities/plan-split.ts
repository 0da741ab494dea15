import type { S3Client } from '@aws-sdk/client-s3';
import { type Batch, partName, planBatches } from '../archive/batch-plan.ts';
import { findContents, sameManifest } from '../archive/contents.ts';
import { type BatchManifest, layoutBatchZip } from '../archive/layout.ts';
import { encodeLayout, layoutFingerprint } from '../archive/layout-file.ts';
import { type Manifest, manifestSlice, parseManifest } from '../archive/manifest.ts';
import { planParts } from '../archive/part-plan.ts';
import type { RangeReader } from '../archive/range-reader.ts';
import { readEntry } from '../archive/read-entry.ts';
import type { ZipEntry } from '../archive/zip-entry.ts';
import { readZipIndex } from '../archive/zip-index.ts';
import type { Config } from '../config.ts';
import { BATCH_FOLDER } from '../messages/folders.ts';
import type { SplitJob, SplitOptions } from '../messages/split.ts';
import { type ByteOrigin, rangeReaderOf } from '../storage/byte-origin.ts';
import { putObject } from '../storage/objects.ts';
import { archiveLimits } from './archive-limits.ts';
import { heartbeating } from './heartbeat.ts';
import { indexStore } from './index-store.ts';
import type { InspectedArchive } from './inspect-archive.ts';
import { currentRun, workingPrefix } from './working-objects.ts';
import { onOrigin } from './workspace.ts';

/** Where a run finds the files of its archive. */
export interface SourceFiles {
  readonly origin: ByteOrigin;
  /** Stretches of the index that was written down; 0 for a ZIP, which brings its own. */
  readonly stretches: number;
}

/** What is to be planned. */
export interface PlanOrder {
  readonly job: SplitJob;
  readonly options: SplitOptions;
  readonly archive: InspectedArchive;
  readonly files: SourceFiles;
}

/** A batch zip that a run is going to build. Sizes in bytes. */
export interface PlannedBatch {
  /** The name under `batch/`, as the result message lists it. */
  readonly name: string;
  readonly key: string;
  readonly rows: number;
  readonly images: number;
  readonly bytes: number;
  /** Bytes of images that are read and checked; 0 with VERIFY=off, and where they were when they were unpacked. */
  readonly bytesToVerify: number;
  /** Where the layout lies, in the job's bucket. */
  readonly layoutKey: string;
  readonly fingerprint: string;
}

/** What a run is going to do. Small: what is large lies in S3. */
export interface SplitPlan {
  readonly batches: readonly PlannedBatch[];
  /** Batch zips that are built at once. */
  readonly lanes: number;
  /** Whether images are read and checked, or the archive's own numbers are trusted. */
  readonly verify: boolean;
  /** Bytes that planning read, and wrote to S3. */
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/** What {@link createPlanSplitActivity | planSplit} tells while it works. */
export interface PlanCheckpoint {
  /** Batch zips whose layouts are in S3. */
  readonly batchesPlanned: number;
  readonly batchesTotal: number;
}

/** The manifest and where its entry's modification time comes from. */
interface SourceManifest {
  readonly table: Manifest;
  readonly entry: ZipEntry;
}

/** The activity that decides what a split run does. */
export function createPlanSplitActivity(dependencies: {
  readonly s3: S3Client;
  readonly config: Config;
}) {
  const { s3, config } = dependencies;

  /** The archive's entries: a ZIP says what it has, a TAR's have been written down. */
  async function readIndex(
    { archive, files }: PlanOrder,
    reader: RangeReader,
    signal: AbortSignal,
  ): Promise<readonly ZipEntry[]> {
    if (files.stretches === 0) return readZipIndex(reader, archiveLimits(config));
    const index = indexStore(s3, archive.source.bucket);
    const entries: ZipEntry[] = [];
    for (let number = 1; number <= files.stretches; number++) {
      for (const entry of (await index.load(number, signal)).entries) entries.push(entry);
    }
    return entries;
  }

  async function readManifest(
    copies: readonly ZipEntry[],
    reader: RangeReader,
  ): Promise<SourceManifest> {
    const limit = { bytes: config.MAX_MANIFEST_BYTES, setting: 'MAX_MANIFEST_BYTES' };
    const [entry, ...others] = copies as [ZipEntry, ...ZipEntry[]];
    const bytes = await readEntry(reader, entry, limit);
    for (const other of others) {
      const copy = await readEntry(reader, other, limit);
      sameManifest([
        { name: entry.name, bytes },
        { name: other.name, bytes: copy },
      ]);
    }
    const table = parseManifest(bytes, {
      name: entry.name,
      imageColumn: config.IMAGE_COLUMN,
      maxRowBytes: config.MAX_ROW_BYTES,
    });
    return { table, entry };
  }

  function layOut(order: PlanOrder, { table, entry }: SourceManifest, batch: Batch<ZipEntry>) {
    const { job, options, files } = order;
    const manifest: BatchManifest = {
      bytes: manifestSlice(table, batch.firstRow, batch.endRow),
      modTime: entry.modTime,
      modDate: entry.modDate,
    };
    const layout = layoutBatchZip(batch.images, manifest);
    const fingerprint = layoutFingerprint(layout, identityOf(order));
    const name = `${options.folder ?? ''}${partName(job.file, batch.number)}`;
    const rangeCopy = config.RANGE_COPY && files.origin.kind === 'object';
    const plannedBatch: PlannedBatch = {
      name,
      key: `${BATCH_FOLDER}${name}`,
      rows: batch.endRow - batch.firstRow,
      images: batch.images.length,
      bytes: layout.size,
      bytesToVerify: config.VERIFY ? bytesOf(layout.entries) : 0,
      layoutKey: `${workingPrefix(currentRun().workflowId)}layout-${batch.number}.json.gz`,
      fingerprint,
    };
    return {
      plannedBatch,
      layout: encodeLayout(layout, planParts(layout, { rangeCopy }), fingerprint),
    };
  }

  return {
    /**
     * Reads the archive's index and manifest, decides which rows and images go into which batch zip,
     * and stores each one's layout. Costs a few reads, whatever the size of the archive.
     *
     * @throws ArchiveError, ManifestError, LimitError where the archive breaks a rule
     */
    async planSplit(order: PlanOrder): Promise<SplitPlan> {
      return heartbeating<PlanCheckpoint, SplitPlan>(({ signal, checkpoint }) =>
        onOrigin(order.files.origin, async () => {
          const moved = { bytesRead: 0, bytesWritten: 0 };
          const reader = counting(rangeReaderOf(s3, order.files.origin, signal), moved);
          const entries = await readIndex(order, reader, signal);
          const contents = findContents(entries);
          const manifest = await readManifest(contents.manifests, reader);
          const batches = planBatches(manifest.table, contents, {
            batchSize: order.options.batchSize ?? config.BATCH_SIZE,
            maxBatches: config.MAX_BATCHES,
            inSourceOrder: (a, b) => a.recordStart - b.recordStart,
          });

          const planned: PlannedBatch[] = [];
          for (const batch of batches) {
            checkpoint({ batchesPlanned: planned.length, batchesTotal: batches.length });
            const { plannedBatch, layout } = layOut(order, manifest, batch);
            const location = { bucket: order.job.s3Bucket, key: plannedBatch.layoutKey };
            await putObject(s3, location, layout, signal);
            moved.bytesWritten += layout.length;
            planned.push(plannedBatch);
          }
          const lanes = config.MAX_PARALLEL_BATCHES;
          // What was unpacked has been read and checked, whatever the setting.
          const verify = config.VERIFY || order.files.stretches > 0;
          return { batches: planned, lanes, verify, ...moved };
        }),
      );
    },
  };
}

/** What tells the bytes that a layout's ranges are of, whichever run has unpacked them, and where. */
function identityOf({ archive: { source }, files }: PlanOrder): string[] {
  const { origin, stretches } = files;
  const inPlace = stretches === 0 || (origin.kind === 'object' && origin.object.key === source.key);
  return [source.bucket, source.key, source.etag, ...(inPlace ? [] : ['records'])];
}

function bytesOf(entries: readonly ZipEntry[]): number {
  return entries.reduce((sum, { recordStart, recordEnd }) => sum + recordEnd - recordStart, 0);
}

function counting(reader: RangeReader, moved: { bytesRead: number }): RangeReader {
  return {
    size: reader.size,
    async read(start, end) {
      const bytes = await reader.read(start, end);
      moved.bytesRead += bytes.length;
      return bytes;
    },
  };
}
