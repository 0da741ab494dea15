import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type { S3Client } from '@aws-sdk/client-s3';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { ApplicationFailure } from '@temporalio/activity';
import type { Config } from '../config.ts';
import type { RouteJob } from '../messages/route.ts';
import { findFileProcessor, type Processors } from '../processors/load.ts';
import type { FileToProcess } from '../processors/processor.ts';
import type { RouteRule } from '../routing/rules.ts';
import { routeSplitId } from '../runs/route-id.ts';
import { AccessDeniedError, isRefused, objectUrl } from '../storage/errors.ts';
import { headFile } from '../storage/objects.ts';
import { heartbeating } from './heartbeat.ts';
import { resolveResultQueue } from './send-result.ts';

/** Time (ms) that a processor has to end once its run is cancelled, or its worker is told to stop. */
const END_GRACE_MS = 5_000;

/** What a processor gives goes into the run's result and its notice: bytes of JSON. */
const MAX_RESULT_BYTES = 256 * 1024;

/** A file that has been looked at, with what its worker's settings add to the job. */
export type CheckedFile = RouteSettings & (FoundFile | LostFile);

/** What a run goes by from then on. */
interface RouteSettings {
  /** In bytes. */
  readonly threshold: number;
  /** Where the notice goes, if anywhere. */
  readonly notifyQueueUrl: string | undefined;
  readonly rules: readonly RouteRule[];
}

/** A file of which all is known that a decision takes. */
export interface FoundFile extends FileToProcess {
  /** The id of the child run that splits it. */
  readonly splitId: string;
}

/** A file that has no size. */
export interface LostFile {
  readonly bucket: string | null;
  readonly key: string | null;
  readonly size: null;
  /** Why not, as a sentence without its full stop. */
  readonly problem: string;
}

/** A file, and what is to process it. */
export interface FileOrder {
  readonly file: FileToProcess;
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

  async function findFile(
    bucket: string | undefined,
    key: string | undefined,
    signal: AbortSignal,
  ): Promise<FoundFile | LostFile> {
    const lost = (problem: string): LostFile => {
      return { bucket: bucket ?? null, key: key ?? null, size: null, problem };
    };
    if (!bucket) return lost('No bucket is given; name one, or set ROUTE_BUCKET');
    if (!key) return lost('No key is given; name one, or set ROUTE_KEY');
    const url = objectUrl({ bucket, key });
    try {
      const head = await headFile(s3, { bucket, key }, signal);
      if (!head) return lost(`${url} does not exist`);
      const { size, etag } = head;
      if (size === undefined) return lost(`S3 does not say what size ${url} has`);
      return { bucket, key, size, etag, splitId: routeSplitId(bucket, key) };
    } catch (error) {
      if (error instanceof AccessDeniedError) return lost(error.message);
      if (isRefused(error)) return lost(`S3 refuses to tell of ${url} (${error.name})`);
      throw error;
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
          threshold: job.threshold ?? config.ROUTE_THRESHOLD,
          notifyQueueUrl: queue && (await resolveResultQueue(sqs, queue)),
          rules,
          ...(await findFile(bucket, key, signal)),
        };
      });
    },

    /**
     * Has a processor that is registered by its name process a file; gives what it gives, as JSON.
     *
     * @throws ConfigError where there is no such processor
     */
    async processFile({ processor, file }: FileOrder): Promise<unknown> {
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
