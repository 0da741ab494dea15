import type { S3Client } from '@aws-sdk/client-s3';
import { type ArchiveLimits, assertInflationWithinLimits } from '../archive/archive-limits.ts';
import { ArchiveError } from '../archive/errors.ts';
import { Gunzip, type GunzipCheckpoint } from '../archive/gunzip.ts';
import type { IndexStretch } from '../archive/index-file.ts';
import { type TarCheckpoint, TarReader } from '../archive/tar-reader.ts';
import {
  NOTHING_UNPACKED,
  type UnpackedStretch,
  type UnpackTally,
} from '../archive/unpacked-stretch.ts';
import type { ZipEntry } from '../archive/zip-entry.ts';
import { counted } from './counted.ts';
import type { ObjectVersion } from './errors.ts';
import { inLanes } from './lanes.ts';
import { prefetchRange } from './prefetch.ts';

/**
 * The index is written down, and with it a place to go on from, whenever so many more bytes of the TAR
 * have been unpacked: the most that a later attempt inflates again beside what was under way.
 */
const CHECKPOINT_BYTES = 64 * 1024 * 1024;

/**
 * Parts that are kept at once, while the next one is filled. With what is read ahead and inflated, an
 * archive takes 60 MiB of memory; one of more than some 30 GB takes more, because its parts are larger.
 */
const KEEP_LANES = 2;

/** Where unpacking goes on. Plain JSON. */
export interface UnpackResume {
  readonly tally: UnpackTally;
  /** Undefined once the archive's end has been reached. */
  readonly tar: TarCheckpoint | undefined;
  /** Where inflating goes on, at or before `tar`; undefined where it begins at the start. */
  readonly gunzip: GunzipCheckpoint | undefined;
}

/** The index of an archive that is being unpacked, in stretches that are numbered from 1. */
export interface IndexStore {
  save(number: number, stretch: IndexStretch<UnpackResume>, signal: AbortSignal): Promise<void>;
  load(number: number, signal: AbortSignal): Promise<IndexStretch<UnpackResume>>;
}

/** How far unpacking has come, over all attempts. */
export interface UnpackProgress {
  /** Stretches of the index that are written down: a retry goes on behind the last. */
  stretches: number;
  /** Files that are unpacked. */
  files: number;
  /** Bytes of the archive that have been read and unpacked, from its start. */
  bytesDone: number;
  bytesTotal: number;
  /** Where in the archive this attempt went on; 0 where it began at the start. */
  resumedAt: number;
  /** Bytes that workers read from S3 and wrote to S3 or a disk. */
  bytesRead: number;
  bytesWritten: number;
}

export interface UnpackOptions<Stretch extends UnpackedStretch> {
  readonly s3: S3Client;
  readonly source: ObjectVersion;
  /** Whether the TAR is compressed. */
  readonly gzip: boolean;
  readonly limits: ArchiveLimits;
  /** Makes stretches of the TAR's files, the same ones in each attempt. */
  readonly place: (tar: TarReader, from: UnpackTally) => AsyncIterable<Stretch>;
  /** Keeps what a stretch has made, for good once it is done; gives the bytes that it wrote. */
  readonly keep: (stretch: Stretch, signal: AbortSignal) => Promise<number>;
  readonly index: IndexStore;
  readonly signal: AbortSignal;
  readonly resumeFrom: UnpackProgress | undefined;
  /** Called after each stretch, with the same object each time. */
  readonly onProgress: (progress: UnpackProgress) => void;
}

/** A stretch that is to be kept, and a stretch of the index that may be written once it has been. */
interface Step<Stretch> {
  readonly stretch: Stretch;
  readonly indexed: IndexStretch<UnpackResume> | undefined;
  readonly bytesDone: number;
}

/**
 * Unpacks a TAR or TAR.GZ in one pass over it: reads ahead with several GETs, inflates, reads the
 * files, keeps what `place` makes of them, and writes down the index with places to go on from. A later
 * attempt, here or on another machine, goes on at the last of these.
 *
 * @throws ArchiveError where the archive is broken, or has what is not to be unpacked
 * @throws LimitError where it is larger than allowed
 * @throws ObjectChangedError where the source is no longer the version that the run began with
 */
export async function unpack<Stretch extends UnpackedStretch>(
  options: UnpackOptions<Stretch>,
): Promise<UnpackProgress> {
  const { index, signal, resumeFrom, onProgress } = options;
  const known = resumeFrom?.stretches ?? 0;
  const resume = known > 0 ? (await index.load(known, signal)).resume : undefined;
  const progress: UnpackProgress = {
    stretches: known,
    files: resume?.tally.files ?? 0,
    bytesDone: (options.gzip ? resume?.gunzip?.inputOffset : resume?.tar?.offset) ?? 0,
    bytesTotal: options.source.size,
    resumedAt: 0,
    bytesRead: resumeFrom?.bytesRead ?? 0,
    bytesWritten: resumeFrom?.bytesWritten ?? 0,
  };
  progress.resumedAt = progress.bytesDone;
  if (resume && !resume.tar) progress.bytesDone = progress.bytesTotal;
  onProgress(progress);
  if (resume && !resume.tar) return progress;

  // What could not be kept does not wait for what is being read meanwhile.
  const failed = new AbortController();
  const reading = { ...options, signal: AbortSignal.any([signal, failed.signal]) };
  let stretches = known;
  let before: Promise<unknown> = Promise.resolve();
  await inLanes(steps(reading, resume, progress), KEEP_LANES, signal, (step, either) => {
    const number = step.indexed ? ++stretches : 0;
    const earlier = before;
    const kept = keep(step, either);
    const done = step.indexed
      ? // What the index says has to be there first, all of it.
        Promise.all([earlier, kept]).then(() => note(number, step, either))
      : kept;
    before = Promise.all([earlier, done]);
    before.catch((error) => failed.abort(error));
    return done;
  });
  return progress;

  async function keep(step: Step<Stretch>, either: AbortSignal): Promise<void> {
    const written = await options.keep(step.stretch, either);
    step.stretch.release?.();
    progress.bytesWritten += written;
    progress.files = Math.max(progress.files, step.stretch.tally.files);
    progress.bytesDone = Math.max(progress.bytesDone, step.bytesDone);
    onProgress(progress);
  }

  async function note(number: number, step: Step<Stretch>, either: AbortSignal): Promise<void> {
    if (step.indexed) await index.save(number, step.indexed, either);
    progress.stretches = number;
    onProgress(progress);
  }
}

/**
 * The progress of an archive that an earlier attempt has unpacked to its end, though it could not say
 * so: its index is whole. `last` is what that attempt had said last.
 */
export async function finishedProgress(
  index: IndexStore,
  last: UnpackProgress | undefined,
  signal: AbortSignal,
): Promise<UnpackProgress> {
  for (let stretches = Math.max(1, last?.stretches ?? 0); ; stretches++) {
    const { resume } = await index.load(stretches, signal);
    if (resume.tar) continue;
    const { files } = resume.tally;
    const { bytesTotal = 0, bytesRead = 0, bytesWritten = 0, resumedAt = 0 } = last ?? {};
    const bytesDone = bytesTotal;
    return { stretches, files, bytesDone, bytesTotal, resumedAt, bytesRead, bytesWritten };
  }
}

async function* steps<Stretch extends UnpackedStretch>(
  { s3, source, gzip, limits, place, signal }: UnpackOptions<Stretch>,
  resume: UnpackResume | undefined,
  progress: UnpackProgress,
): AsyncGenerator<Step<Stretch>> {
  const compressed = counted(
    prefetchRange(s3, source, progress.resumedAt, source.size, { signal }),
    progress,
  );
  const gunzip = gzip ? new Gunzip(compressed, { from: resume?.gunzip }) : undefined;
  const tarOffset = resume?.tar?.offset ?? 0;
  const bytes = gunzip
    ? skipping(withinLimits(gunzip, limits), tarOffset - gunzip.outputOffset)
    : compressed;
  const tar = new TarReader(bytes, resume?.tar);
  let entries: ZipEntry[] = [];
  let saved = tarOffset;
  try {
    for await (const stretch of place(tar, resume?.tally ?? NOTHING_UNPACKED)) {
      const { border, tally } = stretch;
      if (border === 'end' && tally.files === 0) throw new ArchiveError('The archive has no files');
      for (const entry of stretch.entries) entries.push(entry);
      const bytesDone =
        gunzip?.inputOffset ?? (border === 'end' ? source.size : (border?.offset ?? 0));
      const due = border === 'end' || (border && border.offset - saved >= CHECKPOINT_BYTES);
      if (!due) {
        yield { stretch, bytesDone, indexed: undefined };
        continue;
      }
      const next =
        border === 'end'
          ? { tar: undefined, gunzip: undefined }
          : { tar: border, gunzip: gunzip?.checkpointBefore(border.offset) ?? resume?.gunzip };
      const indexed = { entries, resume: { tally, ...next } };
      entries = [];
      saved = next.tar?.offset ?? saved;
      yield { stretch, bytesDone, indexed };
    }
  } finally {
    await tar.close();
  }
}

/** What a stream gives, wherever in the TAR that is, as long as it does not inflate too much. */
async function* withinLimits(gunzip: Gunzip, limits: ArchiveLimits): AsyncGenerator<Buffer> {
  for await (const chunk of gunzip) {
    assertInflationWithinLimits(gunzip.inputOffset, gunzip.outputOffset, limits);
    yield chunk;
  }
}

/** Without the first bytes, which lie between the place where inflating went on and the next file. */
async function* skipping(chunks: AsyncIterable<Buffer>, count: number): AsyncGenerator<Buffer> {
  let left = count;
  for await (const chunk of chunks) {
    const skipped = Math.min(left, chunk.length);
    left -= skipped;
    if (skipped < chunk.length) yield chunk.subarray(skipped);
  }
}
