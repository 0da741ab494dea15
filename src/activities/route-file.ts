import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { S3Client } from '@aws-sdk/client-s3';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { ApplicationFailure } from '@temporalio/activity';
import type { Config } from '../config.ts';
import type { RouteJob } from '../messages/route.ts';
import { findFileProcessor, type Processors } from '../processors/load.ts';
import { resolveQueue } from '../queue-url.ts';
import type { RouteRule } from '../routing/rules.ts';
import { AccessDeniedError, type ObjectLocation, objectUrl } from '../storage/errors.ts';
import { objectSize } from '../storage/objects.ts';
import { heartbeating } from './heartbeat.ts';

/** Time (ms) that a processor has to end once its run is cancelled, or its worker is told to stop. */
const END_GRACE_MS = 5_000;

/** What a processor gives goes into the run's result and its notice: bytes of JSON. */
const MAX_RESULT_BYTES = 256 * 1024;

/** A file as a route run has found it, with what its worker's settings add to the job. */
export interface CheckedFile {
  readonly bucket: string | null;
  readonly key: string | null;
  /** In bytes. */
  readonly threshold: number;
  /** Where the notice goes, if anywhere. */
  readonly notifyQueueUrl: string | undefined;
  readonly rules: readonly RouteRule[];
  /** In bytes; null where there is none to be had, and then `problem` says why. */
  readonly size: number | null;
  readonly problem?: string;
}

/** A file, and what is to process it. */
export interface FileOrder extends ObjectLocation {
  /** In bytes. */
  readonly size: number;
  readonly processor: string;
}

/** The activities of a route run, but for its notice. */
export function createRouteFileActivities(dependencies: {
  readonly s3: S3Client;
  readonly sqs: SQSClient;
  readonly config: Config;
  readonly processors: Processors;
  readonly rules: readonly RouteRule[];
}) {
  const { s3, sqs, config, processors, rules } = dependencies;

  async function findSize(
    { bucket, key }: Pick<RouteJob, 'bucket' | 'key'>,
    signal: AbortSignal,
  ): Promise<Pick<CheckedFile, 'size' | 'problem'>> {
    if (!bucket || !key) {
      const [field, setting] = bucket ? ['key', 'ROUTE_KEY'] : ['bucket', 'ROUTE_BUCKET'];
      return { size: null, problem: `No ${field} is given; name one, or set ${setting}` };
    }
    const url = objectUrl({ bucket, key });
    try {
      const size = await objectSize(s3, { bucket, key }, signal);
      if (size === undefined) return { size: null, problem: `${url} does not exist` };
      if (size === null) return { size, problem: `S3 does not say what size ${url} has` };
      return { size };
    } catch (error) {
      if (!(error instanceof AccessDeniedError)) throw error;
      return { size: null, problem: error.message };
    }
  }

  return {
    /**
     * Fills in what a route job leaves to the worker's settings, and asks S3 for the file's size. That
     * it is absent, or may not be read, is an answer.
     */
    async checkFileSize(job: RouteJob): Promise<CheckedFile> {
      return heartbeating(async ({ signal }) => {
        const { bucket = config.ROUTE_BUCKET, key = config.ROUTE_KEY } = job;
        const queue = job.notifyQueueUrl ?? config.ROUTE_NOTIFY_QUEUE;
        return {
          bucket: bucket ?? null,
          key: key ?? null,
          threshold: job.threshold ?? config.ROUTE_THRESHOLD,
          notifyQueueUrl: queue && (await resolveQueue(sqs, queue)),
          rules,
          ...(await findSize({ bucket, key }, signal)),
        };
      });
    },

    /**
     * Has a processor that is registered by its name process a file; gives what it gives, as JSON.
     *
     * @throws ConfigError where there is no such processor
     */
    async processFile({ processor, ...file }: FileOrder): Promise<unknown> {
      return heartbeating(async ({ signal }) => {
        const { processFile } = findFileProcessor(processors, processor);
        const processing = Promise.resolve(processFile(file, { signal }));
        const json = JSON.stringify((await Promise.race([processing, gaveUp(signal)])) ?? null);
        if (Buffer.byteLength(json) > MAX_RESULT_BYTES) {
          throw ApplicationFailure.nonRetryable(
            `The processor ${processor} gave a result of ${Buffer.byteLength(json)} bytes for ${objectUrl(file)}; at most ${MAX_RESULT_BYTES} fit into a notice: put it into S3, and give its URL`,
            'ResultTooLarge',
          );
        }
        return JSON.parse(json);
      });
    },
  };
}

/** Rejects some time after the signal is aborted: nobody can make a processor end that does not heed it. */
async function gaveUp(signal: AbortSignal): Promise<never> {
  if (!signal.aborted) await once(signal, 'abort');
  await sleep(END_GRACE_MS, undefined, { ref: false });
  throw signal.reason;
}
