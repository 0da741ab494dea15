import type { S3Client } from '@aws-sdk/client-s3';
import type { BufferPool } from '../archive/buffer-pool.ts';
import type { StoredLayout } from '../archive/layout-file.ts';
import type { JoinPart, Part, Span } from '../archive/part-plan.ts';
import { type RecordFacts, verifyRecords } from '../archive/zip-verify.ts';
import type { Budget } from './budget.ts';
import type { OriginReader } from './byte-origin.ts';
import { copyOrMovePart } from './copy-part.ts';
import { counted } from './counted.ts';
import { JOIN_MEMORY_FACTOR, joinPieces } from './join-pieces.ts';
import { inLanes, together } from './lanes.ts';
import {
  completeUpload,
  listParts,
  type MultipartUpload,
  type UploadedPart,
  uploadPart,
} from './multipart.ts';

/** Parts that are made, and spans that are verified, at once for one object, if the process's budgets allow. */
const PART_LANES = 8;
const SPAN_LANES = 4;

/** What a streamed read holds at most (bytes): the socket's and the SDK's buffers. */
const STREAM_BYTES = 2 * 1024 * 1024;

/** How far an assembly has come, over all attempts. */
export interface AssemblyProgress {
  /** Parts that S3 has. */
  parts: number;
  /** Spans that are verified without a gap from the first: what a retry may skip. */
  spans: number;
  /** Bytes that S3 copied by itself. */
  bytesCopied: number;
  /** Bytes that workers read from S3, and wrote to it. */
  bytesRead: number;
  bytesWritten: number;
  /** Bytes of the object that S3 has. */
  bytesDone: number;
  /** Entries that are verified, and their bytes in the source. */
  entriesVerified: number;
  bytesVerified: number;
}

export interface AssemblyOptions {
  readonly s3: S3Client;
  readonly origin: OriginReader;
  readonly upload: MultipartUpload;
  readonly layout: StoredLayout;
  /** Check each entry's CRC-32 by reading it. */
  readonly verify: boolean;
  /** Let S3 copy ranges where it has the bytes; false reads them through this process. */
  readonly rangeCopy: boolean;
  /** Bytes that this process may hold in buffers. */
  readonly bytes: Budget;
  /** Where the large ones of these come from. */
  readonly pool: BufferPool;
  /** Range copies that this process may have under way. */
  readonly copies: Budget;
  readonly signal: AbortSignal;
  /** What an earlier attempt had done; its spans are not verified again, its bytes are counted in. */
  readonly resumeFrom: AssemblyProgress | undefined;
  /** Called after each part and span, with the same object each time. */
  readonly onProgress: (progress: AssemblyProgress) => void;
}

/**
 * Makes an object from its layout: the parts that S3 does not have yet, in any order, while the
 * entries are verified beside the copies; then completes the upload. What is done is what ListParts
 * says, so that a later attempt, here or on another machine, goes on from there.
 *
 * @throws ArchiveError where an entry is not what the archive says of it; the upload is not completed
 * @throws ObjectChangedError where the source is no longer the version that was planned on
 * @throws UploadGoneError where the upload has been completed or aborted meanwhile
 */
export async function assembleObject(options: AssemblyOptions): Promise<AssemblyProgress> {
  const { s3, upload, layout, signal } = options;
  const uploaded = await listParts(s3, upload, signal);
  const missing = layout.parts.filter((part) => uploaded.get(part.number)?.size !== part.size);
  const progress: AssemblyProgress = {
    parts: layout.parts.length - missing.length,
    spans: options.resumeFrom?.spans ?? 0,
    bytesCopied: options.resumeFrom?.bytesCopied ?? 0,
    bytesRead: options.resumeFrom?.bytesRead ?? 0,
    bytesWritten: options.resumeFrom?.bytesWritten ?? 0,
    bytesDone: sizeOf(layout.parts) - sizeOf(missing),
    entriesVerified: options.resumeFrom?.entriesVerified ?? 0,
    bytesVerified: options.resumeFrom?.bytesVerified ?? 0,
  };
  options.onProgress(progress);

  const makeParts = (either: AbortSignal) =>
    inLanes(missing, PART_LANES, either, async (part, partSignal) => {
      uploaded.set(part.number, await makePart(options, part, progress, partSignal));
      progress.parts += 1;
      progress.bytesDone += part.size;
      options.onProgress(progress);
    });
  await together(signal, makeParts, (either) => verifySpans(options, progress, either));

  const inOrder = layout.parts.map(({ number }) => uploaded.get(number) as UploadedPart);
  await completeUpload(s3, upload, inOrder, signal);
  return progress;
}

function makePart(
  options: AssemblyOptions,
  part: Part,
  progress: AssemblyProgress,
  signal: AbortSignal,
): Promise<UploadedPart> {
  return part.kind === 'copy'
    ? copyOrMovePart(options, options.origin, part, progress, signal)
    : makeJoinPart(options, part, progress, signal);
}

async function makeJoinPart(
  { s3, origin, upload: target, layout, bytes, pool, verify }: AssemblyOptions,
  part: JoinPart,
  progress: AssemblyProgress,
  signal: AbortSignal,
): Promise<UploadedPart> {
  const read = async (start: number, end: number, readSignal: AbortSignal, room: Buffer) => {
    const piece = await origin.read(start, end, readSignal, room);
    progress.bytesRead += piece.length;
    return piece;
  };
  const upload = async (joined: Buffer) => {
    const written = await uploadPart(s3, target, part.number, joined, signal);
    progress.bytesWritten += joined.length;
    return written;
  };
  const onVerified = verify ? (entry: RecordFacts) => countVerified(progress, entry) : undefined;
  const { pieces } = part;
  return bytes.spend(JOIN_MEMORY_FACTOR * part.size, signal, () =>
    joinPieces({ pieces, entries: layout.entries, onVerified, signal, read, pool }, upload),
  );
}

async function verifySpans(
  { origin, layout, verify, bytes, onProgress }: AssemblyOptions,
  progress: AssemblyProgress,
  signal: AbortSignal,
): Promise<void> {
  if (!verify) return;
  const done = new Set<number>();
  const verifySpan = async ([index, span]: [number, Span], spanSignal: AbortSignal) => {
    const entries = layout.entries.slice(span.first, span.last + 1);
    const start = entries[0]?.recordStart ?? 0;
    const end = entries.at(-1)?.recordEnd ?? 0;
    await bytes.spend(STREAM_BYTES, spanSignal, () =>
      verifyRecords(entries, counted(origin.stream(start, end, spanSignal), progress), (entry) =>
        countVerified(progress, entry),
      ),
    );
    done.add(index);
    while (done.delete(progress.spans)) progress.spans += 1;
    onProgress(progress);
  };
  const pending = layout.spans.map((span, index): [number, Span] => [index, span]);
  await inLanes(pending.slice(progress.spans), SPAN_LANES, signal, verifySpan);
}

function countVerified(progress: AssemblyProgress, entry: RecordFacts): void {
  progress.entriesVerified += 1;
  progress.bytesVerified += entry.recordEnd - entry.recordStart;
}

function sizeOf(parts: readonly Part[]): number {
  return parts.reduce((sum, part) => sum + part.size, 0);
}
