import type { S3Client } from '@aws-sdk/client-s3';
import { Context } from '@temporalio/activity';
import { type Batch, partName, planBatches } from '../archive/batch-plan.ts';
import { findContents, sameManifest } from '../archive/contents.ts';
import { DETECT_BYTES, detectContainer } from '../archive/detect.ts';
import { ArchiveError } from '../archive/errors.ts';
import { type BatchManifest, layoutBatchZip } from '../archive/layout.ts';
import { encodeLayout, layoutFingerprint } from '../archive/layout-file.ts';
import { type Manifest, manifestSlice, parseManifest } from '../archive/manifest.ts';
import { planParts } from '../archive/part-plan.ts';
import type { RangeReader } from '../archive/range-reader.ts';
import { readEntry } from '../archive/read-entry.ts';
import type { ZipEntry } from '../archive/zip-entry.ts';
import { readZipIndex } from '../archive/zip-index.ts';
import type { Config } from '../config.ts';
import type { SplitJob, SplitOptions } from '../messages/split.ts';
import { ObjectMissingError, type ObjectVersion, objectUrl } from '../storage/errors.ts';
import { headObject, objectReader, putObject } from '../storage/objects.ts';
import { heartbeating } from './heartbeat.ts';
import { workingPrefix } from './working-objects.ts';

/** A batch zip that a run is going to build. Sizes in bytes. */
export interface PlannedBatch {
  /** Bare name, as the result message lists it. */
  readonly name: string;
  readonly key: string;
  readonly rows: number;
  readonly images: number;
  readonly bytes: number;
  /** Where the layout lies, in the job's bucket. */
  readonly layoutKey: string;
  readonly fingerprint: string;
}

/** What a run is going to do. Small: what is large lies in S3. */
export interface SplitPlan {
  /** The archive, pinned: a run reads one version of it. */
  readonly source: ObjectVersion;
  readonly batches: readonly PlannedBatch[];
  /** Batch zips that are built at once. */
  readonly lanes: number;
  /** Whether images are read and checked, or the archive's own numbers are trusted. */
  readonly verify: boolean;
  /** Bytes that planning read from S3 and wrote to it. */
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/** What {@link createPlanSplitActivity | planSplit} tells while it works. */
export interface PlanCheckpoint {
  /** Batch zips whose layouts are in S3. */
  readonly batchesPlanned: number;
  readonly batchesTotal: number;
}

/** Folder of the batch zips, a convention of the client. */
const BATCH_FOLDER = 'batch/';

/** How many bytes of what is no archive an error message shows: enough to tell a picture or a text. */
const SHOWN_BYTES = 8;

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

  async function pinArchive(job: SplitJob, signal: AbortSignal): Promise<ObjectVersion> {
    const location = { bucket: job.s3Bucket, key: job.exportPath };
    const head = await headObject(s3, location, signal);
    if (!head) throw new ObjectMissingError(location);
    return { ...location, etag: head.etag, size: head.size };
  }

  async function readIndex(source: ObjectVersion, reader: RangeReader): Promise<ZipEntry[]> {
    const first = await reader.read(0, Math.min(reader.size, DETECT_BYTES));
    if (detectContainer(first) !== 'zip') throw notAnArchive(source, first);
    return readZipIndex(reader, {
      maxEntries: config.MAX_ENTRIES,
      maxEntryBytes: config.MAX_ENTRY_BYTES,
      maxTotalBytes: config.MAX_TOTAL_BYTES,
      maxRatio: config.MAX_RATIO,
    });
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

  return {
    /**
     * Reads the archive's index and manifest, decides which rows and images go into which batch zip,
     * and stores each one's layout. Costs a few reads, whatever the size of the archive.
     *
     * @throws ArchiveError, ManifestError, LimitError where the archive breaks a rule
     * @throws ObjectMissingError where there is no archive
     */
    async planSplit(job: SplitJob, options: SplitOptions): Promise<SplitPlan> {
      return heartbeating<PlanCheckpoint, SplitPlan>(async ({ signal, checkpoint }) => {
        const source = await pinArchive(job, signal);
        const moved = { bytesRead: 0, bytesWritten: 0 };
        const reader = counting(objectReader(s3, source, signal), moved);
        const entries = await readIndex(source, reader);
        const contents = findContents(entries);
        const manifest = await readManifest(contents.manifests, reader);
        const batches = planBatches(manifest.table, contents, {
          batchSize: options.batchSize ?? config.BATCH_SIZE,
          maxBatches: config.MAX_BATCHES,
          inSourceOrder: (a, b) => a.recordStart - b.recordStart,
        });

        const planned: PlannedBatch[] = [];
        for (const batch of batches) {
          checkpoint({ batchesPlanned: planned.length, batchesTotal: batches.length });
          const { plannedBatch, layout } = layOut(job, source, manifest, batch);
          await putObject(
            s3,
            { bucket: job.s3Bucket, key: plannedBatch.layoutKey },
            layout,
            signal,
          );
          moved.bytesWritten += layout.length;
          planned.push(plannedBatch);
        }
        const { MAX_PARALLEL_BATCHES: lanes, VERIFY: verify } = config;
        return { source, batches: planned, lanes, verify, ...moved };
      });
    },
  };
}

function notAnArchive(source: ObjectVersion, first: Buffer): ArchiveError {
  const begins =
    first.length === 0
      ? 'it is empty'
      : `it begins with the bytes ${first.subarray(0, SHOWN_BYTES).toString('hex')}`;
  return new ArchiveError(`${objectUrl(source)} is not a ZIP archive: ${begins}`);
}

function layOut(
  job: SplitJob,
  source: ObjectVersion,
  { table, entry }: SourceManifest,
  batch: Batch<ZipEntry>,
): { plannedBatch: PlannedBatch; layout: Buffer } {
  const manifest: BatchManifest = {
    bytes: manifestSlice(table, batch.firstRow, batch.endRow),
    modTime: entry.modTime,
    modDate: entry.modDate,
  };
  const layout = layoutBatchZip(batch.images, manifest);
  const fingerprint = layoutFingerprint(layout, [source.bucket, source.key, source.etag]);
  const name = partName(job.file, batch.number);
  const { workflowId = '' } = Context.current().info.workflowExecution ?? {};
  return {
    plannedBatch: {
      name,
      key: `${BATCH_FOLDER}${name}`,
      rows: batch.endRow - batch.firstRow,
      images: batch.images.length,
      bytes: layout.size,
      layoutKey: `${workingPrefix(workflowId)}layout-${batch.number}.json.gz`,
      fingerprint,
    },
    layout: encodeLayout(layout, planParts(layout), fingerprint),
  };
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
