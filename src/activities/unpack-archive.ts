import { type RecordPart, recordParts } from '../archive/record-parts.ts';
import { indexInPlace } from '../archive/unpacked-stretch.ts';
import { ObjectMissingError, UploadGoneError } from '../storage/errors.ts';
import { createUpload, type MultipartUpload } from '../storage/multipart.ts';
import { headObject } from '../storage/objects.ts';
import { RecordUpload } from '../storage/record-upload.ts';
import { finishedProgress, type UnpackProgress } from '../storage/unpack.ts';
import { archiveLimits } from './archive-limits.ts';
import { heartbeating, type Work } from './heartbeat.ts';
import { indexStore } from './index-store.ts';
import type { InspectedArchive } from './inspect-archive.ts';
import {
  type UnpackDependencies,
  type UnpackedArchive,
  unpackedArchive,
  unpackPass,
} from './unpack-pass.ts';
import { currentRun, workingPrefix } from './working-objects.ts';

/** Metadata of an object of records: the run that made it. */
const METADATA_RUN = 'sheaf-run';
const RECORDS_CONTENT_TYPE = 'application/octet-stream';

/** Activities that make the files of a TAR or TAR.GZ into byte ranges of an object. */
export function createUnpackArchiveActivities(dependencies: UnpackDependencies) {
  const { s3, config } = dependencies;
  const limits = archiveLimits(config);

  /** An attempt that died between completing the upload and saying so has left the whole object. */
  async function unlessCompleted(
    upload: MultipartUpload,
    work: Work<UnpackProgress>,
    stage: (work: Work<UnpackProgress>) => Promise<UnpackProgress>,
  ): Promise<UnpackProgress> {
    let last = work.resumeFrom;
    const checkpoint = (progress: UnpackProgress) => {
      last = progress;
      work.checkpoint(progress);
    };
    try {
      return await stage({ ...work, checkpoint });
    } catch (error) {
      if (!(error instanceof UploadGoneError)) throw error;
      const head = await headObject(s3, upload, work.signal);
      if (head?.metadata[METADATA_RUN] !== currentRun().runId) throw error;
      return finishedProgress(indexStore(s3, upload.bucket), last, work.signal);
    }
  }

  return {
    /** Finds where each file of a TAR lies in it, and its CRC-32: one read of all of it. */
    async indexTar(archive: InspectedArchive): Promise<UnpackedArchive> {
      return heartbeating<UnpackProgress, UnpackedArchive>(async (work) => {
        const { source } = archive;
        const done = await unpackPass(dependencies, archive, work, {
          place: (tar, from) => indexInPlace(tar, limits, from),
          keep: async () => 0,
          index: indexStore(s3, source.bucket),
        });
        return unpackedArchive({ kind: 'object', object: source }, done);
      });
    },

    /** Begins the upload of the object of records that a TAR.GZ is staged in. */
    async openStaging({ source }: InspectedArchive): Promise<MultipartUpload> {
      return heartbeating(() => {
        const { workflowId, runId } = currentRun();
        const target = { bucket: source.bucket, key: `${workingPrefix(workflowId)}records` };
        const headers = { contentType: RECORDS_CONTENT_TYPE, metadata: { [METADATA_RUN]: runId } };
        return createUpload(s3, target, headers);
      });
    },

    /** Unpacks an archive into an object of records, and completes its upload. */
    async stageArchive(
      archive: InspectedArchive,
      upload: MultipartUpload,
    ): Promise<UnpackedArchive> {
      return heartbeating<UnpackProgress, UnpackedArchive>(async (work) => {
        const { signal } = work;
        const { size: archiveSize } = archive.source;
        const done = await unlessCompleted(upload, work, async (noted) => {
          const records = await RecordUpload.resume(s3, upload, signal);
          const progress = await unpackPass(dependencies, archive, noted, {
            place: (tar, from) => recordParts(tar, { archiveSize, limits, from }),
            keep: (part: RecordPart, either) => records.keep(part, either),
            index: indexStore(s3, upload.bucket),
          });
          await records.complete(signal);
          return progress;
        });
        const head = await headObject(s3, upload, signal);
        if (!head) throw new ObjectMissingError(upload);
        const { bucket, key, etag, size } = head;
        return unpackedArchive({ kind: 'object', object: { bucket, key, etag, size } }, done);
      });
    },
  };
}
