import type { S3Client } from '@aws-sdk/client-s3';
import { asyncLocalStorage as currentActivity } from '@temporalio/activity';
import { jobOf } from './jobs.ts';
import type { Metrics } from './metrics.ts';

/** What we look at of an HTTP request and its response; the AWS SDK leaves their types open. */
interface Http {
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly statusCode?: number;
}

/** Counts what a client asks of S3, each attempt for itself, for the job of the activity that asks. */
export function countTraffic(s3: S3Client, metrics: Metrics): void {
  s3.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        const job = currentJob();
        const operation = commandName.replace(/Command$/, '');
        const count = (status: string) =>
          metrics.count('s3Requests', 1, { job, operation, status });
        let response: Http;
        let output: Awaited<ReturnType<typeof next>>;
        try {
          output = await next(args);
          response = output.response as Http;
        } catch (error) {
          count(statusOf(error));
          throw error;
        }
        count(statusClass(response.statusCode));
        countBytes(metrics, job, operation, args.request as Http, response);
        return output;
      },
    // Inside the SDK's own retries, and around what tells an error from an answer.
    { step: 'deserialize', name: 'sheafTraffic', priority: 'high' },
  );
}

function countBytes(
  metrics: Metrics,
  job: string,
  operation: string,
  request: Http,
  response: Http,
): void {
  switch (operation) {
    case 'GetObject':
      metrics.count('readBytes', sizeOf(response.headers?.['content-length']), { job });
      break;
    case 'PutObject':
    case 'UploadPart':
      metrics.count('writtenBytes', sizeOf(request.headers?.['content-length']), { job });
      break;
    case 'UploadPartCopy':
      metrics.count('copiedBytes', rangeSize(request.headers?.['x-amz-copy-source-range']), {
        job,
      });
      break;
  }
  if (operation === 'UploadPart') metrics.count('parts', 1, { job, how: 'uploaded' });
  if (operation === 'UploadPartCopy') metrics.count('parts', 1, { job, how: 'copied' });
}

/** The job of the activity that runs here; of one that is not ours, as in a processor's test, `none`. */
function currentJob(): string {
  const type = currentActivity.getStore()?.info.workflowType;
  return (type && jobOf(type)) ?? 'none';
}

/** @param error of the SDK, which knows S3's answer where there was one */
function statusOf(error: unknown): string {
  const { $response, $metadata } = error as {
    $response?: Http;
    $metadata?: { httpStatusCode?: number };
  };
  return statusClass($response?.statusCode ?? $metadata?.httpStatusCode);
}

function statusClass(status: number | undefined): string {
  return status === undefined ? 'error' : `${Math.floor(status / 100)}xx`;
}

function sizeOf(contentLength: string | undefined): number {
  return Number(contentLength ?? 0);
}

/** The size of a range as in `bytes=0-99`. */
function rangeSize(range: string | undefined): number {
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range ?? '') ?? [];
  return last === undefined ? 0 : Number(last) - Number(first) + 1;
}
