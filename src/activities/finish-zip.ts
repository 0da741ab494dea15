import type { S3Client } from '@aws-sdk/client-s3';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { ApplicationFailure } from '@temporalio/activity';
import type { Config } from '../config.ts';
import {
  type RenamedFile,
  type ZipFailure,
  type ZipJob,
  type ZipSuccess,
  zipFailure,
} from '../messages/zip.ts';
import { archiveUrl } from '../storage/archive-url.ts';
import { type ObjectLocation, objectUrl, SourcesError } from '../storage/errors.ts';
import { inLanes } from '../storage/lanes.ts';
import { headObject } from '../storage/objects.ts';
import { capped } from './capped.ts';
import { findLoss } from './find-loss.ts';
import { heartbeating } from './heartbeat.ts';
import type { InspectedFiles } from './inspect-files.ts';
import { listUrls } from './list-urls.ts';
import { resolveResultQueue, sendOnce } from './send-result.ts';
import { ZipObjects } from './zip-objects.ts';

/** HEADs that are under way at once. */
const HEAD_LANES = 32;

/** An archive that is there. Size in bytes. */
export interface FinishedZip extends ObjectLocation {
  readonly size: number;
  readonly files: number;
  readonly renamed: readonly RenamedFile[];
}

/** What is to be told, without the link: history would keep it. */
export type ZipOutcome =
  | { readonly status: 'success'; readonly zip: FinishedZip }
  | Omit<ZipFailure, 'metadata'>;

/** Activities between the last part and the end of a zip run. */
export function createFinishZipActivities(dependencies: {
  readonly s3: S3Client;
  readonly sqs: SQSClient;
  readonly config: Config;
}) {
  const { s3, sqs, config } = dependencies;

  async function compose(outcome: ZipOutcome, metadata: ZipJob['metadata']) {
    if (outcome.status === 'failed') return zipFailure(outcome.error, outcome.missing, metadata);
    const { bucket, key, size, files, renamed } = outcome.zip;
    const url = await archiveUrl(s3, config, { bucket, key });
    const success: ZipSuccess = {
      status: 'success',
      archiveUrl: url,
      ...{ bucket, key, size, files, renamed },
      ...(metadata !== undefined && { metadata }),
    };
    return success;
  }

  return {
    /** Makes sure that the archive can be read in S3, to its last byte, and is the one that was planned. */
    async confirmZip({ target, fingerprint }: ConfirmZip): Promise<void> {
      return heartbeating(async ({ signal }) => {
        const loss = await findLoss(s3, target, fingerprint, signal);
        if (!loss) return;
        throw ApplicationFailure.nonRetryable(
          `${objectUrl(target)} is not the archive that this run built: ${loss}; send the job again`,
          'ArchiveLost',
        );
      });
    },

    /**
     * Finds which objects are no longer what they were when the run began: one was met while it was read,
     * its sender wants to know all.
     *
     * @throws SourcesError which names them; returns where none is
     */
    async findChanges({ target, stretches }: InspectedFiles): Promise<void> {
      return heartbeating(async ({ signal }) => {
        const files = await new ZipObjects(s3, target.bucket).loadFiles(stretches, signal);
        const changed: string[] = [];
        const missing: string[] = [];
        await inLanes(files, HEAD_LANES, signal, async (file, either) => {
          const head = await headObject(s3, file, either);
          if (!head) missing.push(objectUrl(file));
          else if (head.etag !== file.etag) changed.push(objectUrl(file));
        });
        const faults = [
          ...(changed.length > 0 ? [`${listUrls(changed)} changed`] : []),
          ...(missing.length > 0 ? [`${listUrls(missing)} vanished`] : []),
        ];
        if (faults.length === 0) return;
        const count = changed.length + missing.length;
        throw new SourcesError(
          `${count} of ${files.length} files are not what they were when the run began: ${faults.join('; ')}`,
          capped(missing),
        );
      });
    },

    /** Tells the result to `SQS_DESTINATION_QUEUE`, if there is one: with a link to the archive. */
    async sendZipResult(outcome: ZipOutcome, metadata?: ZipJob['metadata']): Promise<void> {
      return heartbeating(async () => {
        const queue = config.SQS_DESTINATION_QUEUE;
        if (!queue) return;
        const queueUrl = await resolveResultQueue(sqs, queue);
        const body = JSON.stringify(await compose(outcome, metadata));
        await sendOnce(sqs, { queueUrl, body });
      });
    },
  };
}

/** The archive that is to be confirmed. */
export interface ConfirmZip {
  readonly target: ObjectLocation;
  readonly fingerprint: string;
}
