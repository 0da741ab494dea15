import type { S3Client } from '@aws-sdk/client-s3';
import type { BufferPool } from '../archive/buffer-pool.ts';
import { decodeLayout } from '../archive/layout-file.ts';
import { type AssemblyProgress, assembleObject } from '../storage/assemble.ts';
import type { Budget } from '../storage/budget.ts';
import { type ByteOrigin, originReader } from '../storage/byte-origin.ts';
import { type ObjectLocation, UploadGoneError } from '../storage/errors.ts';
import { abortUpload, createUpload, type MultipartUpload } from '../storage/multipart.ts';
import { getObject, headObject } from '../storage/objects.ts';
import { heartbeating } from './heartbeat.ts';
import { onOrigin } from './workspace.ts';

/** A batch zip that is to be built: where its layout lies, what it is made from, and where it goes. */
export interface BatchOrder {
  readonly origin: ByteOrigin;
  readonly target: ObjectLocation;
  /** The stored layout, see layout-file.ts. */
  readonly layout: ObjectLocation;
  /** Names the batch zip's content; kept in the finished object's metadata. */
  readonly fingerprint: string;
  /** Check each image's CRC-32 by reading it. The run decides, whatever the worker's own setting. */
  readonly verify: boolean;
}

/** The bytes that were moved to make a batch zip; a killed attempt's are counted up to its last heartbeat. */
export interface BatchReport {
  readonly bytesCopied: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/** What {@link assembleBatch} tells at each heartbeat; a retry goes on from `spans`, and from what S3 has. */
export interface BatchCheckpoint extends AssemblyProgress {
  readonly partsTotal: number;
  readonly bytesTotal: number;
}

/** Metadata of a finished batch zip: the fingerprint of its layout, and whether its entries were verified. */
export const METADATA_LAYOUT = 'sheaf-layout';
const METADATA_VERIFIED = 'sheaf-verified';
export const ZIP_CONTENT_TYPE = 'application/zip';

/** What objects are built with. */
export interface BuildDependencies {
  readonly s3: S3Client;
  /** Bytes that the process may hold in buffers, and range copies that it may have under way. */
  readonly bytes: Budget;
  readonly copies: Budget;
  /** Where large buffers come from. */
  readonly pool: BufferPool;
  readonly rangeCopy: boolean;
}

/** Activities that make one batch zip. */
export function createBuildBatchActivities(dependencies: BuildDependencies) {
  const { s3, bytes, pool, copies, rangeCopy } = dependencies;

  /** Whether a finished object is what the order asks for, verified if we are to verify. */
  async function isBuilt({ target, fingerprint, verify }: BatchOrder, signal: AbortSignal) {
    const metadata = (await headObject(s3, target, signal))?.metadata;
    const verified = metadata?.[METADATA_VERIFIED] === 'on';
    return metadata?.[METADATA_LAYOUT] === fingerprint && (verified || !verify);
  }

  return {
    /** Begins the upload of a batch zip. Undefined where the very same one is in S3 already. */
    async openBatch(order: BatchOrder): Promise<MultipartUpload | undefined> {
      return heartbeating(async ({ signal }) => {
        if (await isBuilt(order, signal)) return undefined;
        const metadata = {
          [METADATA_LAYOUT]: order.fingerprint,
          [METADATA_VERIFIED]: order.verify ? 'on' : 'off',
        };
        return createUpload(s3, order.target, { contentType: ZIP_CONTENT_TYPE, metadata });
      });
    },

    /** Makes the parts that the upload lacks, verifies the entries, and completes it. */
    async assembleBatch(order: BatchOrder, upload: MultipartUpload): Promise<BatchReport> {
      return heartbeating<BatchCheckpoint, BatchReport>(async (work) => {
        const layout = decodeLayout(await getObject(s3, order.layout, work.signal));
        const totals = { partsTotal: layout.parts.length, bytesTotal: layout.size };
        let last: AssemblyProgress | undefined = work.resumeFrom;
        const onProgress = (progress: AssemblyProgress) => {
          last = progress;
          work.checkpoint({ ...progress, ...totals });
        };
        try {
          const assemble = () =>
            assembleObject({
              s3,
              origin: originReader(s3, order.origin),
              upload,
              layout,
              verify: order.verify,
              rangeCopy,
              bytes,
              pool,
              copies,
              signal: work.signal,
              resumeFrom: work.resumeFrom,
              onProgress,
            });
          return movedBytes(await onOrigin(order.origin, assemble));
        } catch (error) {
          // An attempt that died between completing the upload and saying so has left the whole object.
          const gone = error instanceof UploadGoneError;
          if (!gone || !(await isBuilt(order, work.signal))) throw error;
          return movedBytes(last);
        }
      });
    },

    /** Gives up an upload, so that S3 does not keep its parts. */
    async abandonUpload(upload: MultipartUpload): Promise<void> {
      return heartbeating(() => abortUpload(s3, upload));
    },
  };
}

function movedBytes(progress: AssemblyProgress | undefined): BatchReport {
  const { bytesCopied = 0, bytesRead = 0, bytesWritten = 0 } = progress ?? {};
  return { bytesCopied, bytesRead, bytesWritten };
}
