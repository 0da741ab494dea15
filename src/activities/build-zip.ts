import { FileCrcs } from '../archive/file-crcs.ts';
import { type ReadStretch, readStretches } from '../archive/part-crcs.ts';
import { type ArchivedFile, zipDirectory, zipHeader } from '../archive/zip-layout.ts';
import { decodeShard, type StoredShard } from '../archive/zip-shard-file.ts';
import type { Budget } from '../storage/budget.ts';
import type { MovedBytes } from '../storage/copy-part.ts';
import { UploadGoneError } from '../storage/errors.ts';
import {
  completeUpload,
  createUpload,
  listParts,
  type MultipartUpload,
} from '../storage/multipart.ts';
import { headObject } from '../storage/objects.ts';
import { makeZipParts, type ShardProgress, type ZipPartsOptions } from '../storage/zip-parts.ts';
import { type BuildDependencies, METADATA_LAYOUT, ZIP_CONTENT_TYPE } from './build-batch.ts';
import { heartbeating, type Work } from './heartbeat.ts';
import type { ZipPlan } from './plan-zip.ts';
import { crcsName, LAST_SHARD, shardName, ZipObjects } from './zip-objects.ts';
import { contentDisposition } from './zip-settings.ts';

/** What {@link createBuildZipActivities | buildZipShard} tells at each heartbeat; a retry goes on from it. */
export interface ShardCheckpoint extends ShardProgress {
  readonly partsTotal: number;
}

/** What it took to build a shard, and the bytes of the archive that it has. */
export interface ShardReport extends MovedBytes {
  readonly bytesDone: number;
}

/** Activities that build an archive from objects. */
export function createBuildZipActivities(
  dependencies: BuildDependencies & {
    /** Objects that the process may read at once for parts that it joins. */
    readonly reads: Budget;
  },
) {
  const { s3 } = dependencies;

  /** Makes the parts of a shard, of which an attempt before may have made some. */
  async function makeParts(
    upload: MultipartUpload,
    shard: StoredShard,
    { signal, resumeFrom, checkpoint }: Work<ShardCheckpoint>,
    archive: Pick<ZipPartsOptions, 'crcs' | 'render'>,
  ): Promise<ShardProgress> {
    const partsTotal = shard.parts.length;
    return makeZipParts({
      ...dependencies,
      ...archive,
      upload,
      shard,
      signal,
      resumeFrom,
      onProgress: (progress) => checkpoint({ ...progress, partsTotal }),
    });
  }

  /** All that shards have found out by reading, in the order of the shards. */
  async function readCrcs(store: ZipObjects, shards: number, signal: AbortSignal) {
    const stretches: ReadStretch[] = [];
    for (let number = 1; number <= shards; number++) {
      const { read } = await store.load<{ read: ReadStretch[] }>(crcsName(number), signal);
      for (const stretch of read) stretches.push(stretch);
    }
    return stretches;
  }

  async function isBuilt({ target, fingerprint }: ZipPlan, signal: AbortSignal) {
    const head = await headObject(s3, target, signal);
    return head?.metadata[METADATA_LAYOUT] === fingerprint;
  }

  return {
    /** Begins the upload of an archive. */
    async openZip({ target, fingerprint }: ZipPlan): Promise<MultipartUpload> {
      return heartbeating(() =>
        createUpload(s3, target, {
          contentType: ZIP_CONTENT_TYPE,
          contentDisposition: contentDisposition(target.key),
          metadata: { [METADATA_LAYOUT]: fingerprint },
        }),
      );
    },

    /** Makes the parts of one shard, numbered from 1, and writes down the CRC-32s that it has read. */
    async buildZipShard(
      plan: ZipPlan,
      upload: MultipartUpload,
      number: number,
    ): Promise<ShardReport> {
      return heartbeating<ShardCheckpoint, ShardReport>(async (work) => {
        const store = new ZipObjects(s3, plan.target.bucket);
        const shard = decodeShard(await store.get(shardName(number), work.signal));
        const fileOf = (index: number) => shard.sources.get(index)?.file as ArchivedFile;
        const crcs = new FileCrcs(fileOf);
        const done = await makeParts(upload, shard, work, { crcs, render: renderer(fileOf, crcs) });
        const read = [...readStretches(shard, done.crcs)];
        const written = await store.save(crcsName(number), { read }, work.signal);
        return { ...movedBytes(done, written), bytesDone: done.bytesDone };
      });
    },

    /**
     * Makes what could not be made before: headers of files that lie across shards, and the directory;
     * then completes the upload.
     */
    async completeZip(plan: ZipPlan, upload: MultipartUpload): Promise<MovedBytes> {
      return heartbeating<ShardCheckpoint, MovedBytes>(async (work) => {
        const { signal } = work;
        let last: ShardProgress | undefined = work.resumeFrom;
        const checkpoint = (progress: ShardCheckpoint) => {
          last = progress;
          work.checkpoint(progress);
        };
        try {
          const store = new ZipObjects(s3, plan.target.bucket);
          const files = (await store.loadFiles(plan.stretches, signal)).map(({ file }) => file);
          const fileOf = (index: number) => files[index] as ArchivedFile;
          const crcs = new FileCrcs(fileOf);
          for (const stretch of await readCrcs(store, plan.shards, signal)) crcs.note(...stretch);
          const shard = decodeShard(await store.get(LAST_SHARD, signal));
          const render = renderer(fileOf, crcs, files);
          await makeParts(upload, shard, { ...work, checkpoint }, { crcs, render });
          await complete(plan, upload, signal);
        } catch (error) {
          // An attempt that died between completing the upload and saying so has left the whole object.
          if (!(error instanceof UploadGoneError) || !(await isBuilt(plan, signal))) throw error;
        }
        return movedBytes(last, 0);
      });
    },
  };

  async function complete(plan: ZipPlan, upload: MultipartUpload, signal: AbortSignal) {
    const uploaded = [...(await listParts(s3, upload, signal)).values()];
    const size = uploaded.reduce((sum, part) => sum + part.size, 0);
    if (uploaded.length !== plan.parts || size !== plan.size) {
      throw new Error(
        `Expected ${plan.parts} parts with ${plan.size} bytes, S3 has ${uploaded.length} with ${size}`,
      );
    }
    const inOrder = uploaded.sort((a, b) => a.number - b.number);
    await completeUpload(s3, upload, inOrder, signal);
  }
}

/** Makes the bytes of pieces that are no ranges, from what is known of CRC-32s by then. */
function renderer(
  fileOf: (index: number) => ArchivedFile,
  crcs: FileCrcs,
  files: readonly ArchivedFile[] = [],
): ZipPartsOptions['render'] {
  const crcOf = (index: number): number => {
    const crc = crcs.of(index);
    if (crc === undefined) throw new Error(`Expected all of file ${index} to be read, it is not`);
    return crc;
  };
  return (piece) => {
    if ('bytes' in piece) return piece.bytes;
    if ('directory' in piece) return zipDirectory(files, crcOf);
    return zipHeader(fileOf(piece.header), crcOf(piece.header));
  };
}

function movedBytes(progress: MovedBytes | undefined, written: number): MovedBytes {
  const { bytesCopied = 0, bytesRead = 0, bytesWritten = 0 } = progress ?? {};
  return { bytesCopied, bytesRead, bytesWritten: bytesWritten + written };
}
