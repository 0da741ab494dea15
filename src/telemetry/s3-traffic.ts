import type { S3Client } from '@aws-sdk/client-s3';
import { asyncLocalStorage as currentActivity } from '@temporalio/activity';
import { type Job, jobOf } from './jobs.ts';
import type { METRICS, Metrics } from './metrics.ts';

/** What we look at of an HTTP request and its response; the AWS SDK leaves their types open. */
interface Http {
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly statusCode?: number;
}

type Status = (typeof METRICS.s3Requests.labels.status)[number];

/** Counts what a client asks of S3, each attempt for itself, for the job of the activity that asks. */
export function countTraffic(s3: S3Client, metrics: Metrics): void {
  s3.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        const type = currentActivity.getStore()?.info.workflowType;
        const job = type && jobOf(type);
        if (!job) return next(args);
        const operation = commandName.replace(/Command$/, '');
        const count = (status: Status) =>
          metrics.count('s3Requests', 1, { job_type: job, operation, status });
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
  job_type: Job,
  operation: string,
  request: Http,
  response: Http,
): void {
  switch (operation) {
    case 'GetObject':
      metrics.count('readBytes', sizeOf(response), { job_type });
      break;
    case 'PutObject':
      metrics.count('writtenBytes', sizeOf(request), { job_type });
      break;
    case 'UploadPart':
      metrics.count('writtenBytes', sizeOf(request), { job_type });
      metrics.count('parts', 1, { job_type, how: 'uploaded' });
      break;
    case 'UploadPartCopy':
      metrics.count('copiedBytes', rangeSizeOf(request), { job_type });
      metrics.count('parts', 1, { job_type, how: 'copied' });
      break;
  }
}

/** @param error of the SDK, which knows S3's answer where there was one */
function statusOf(error: unknown): Status {
  const { $response, $metadata } = error as {
    $response?: Http;
    $metadata?: { httpStatusCode?: number };
  };
  return statusClass($response?.statusCode ?? $metadata?.httpStatusCode);
}

function statusClass(status: number | undefined): Status {
  return status === undefined ? 'error' : (`${Math.floor(status / 100)}xx` as Status);
}

function sizeOf({ headers }: Http): number {
  return Number(headers?.['content-length'] ?? 0);
}

/** The size of the range that is copied, as in `bytes=0-99`. */
function rangeSizeOf({ headers }: Http): number {
  const range = headers?.['x-amz-copy-source-range'] ?? '';
  const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(range) ?? [];
  return last === undefined ? 0 : Number(last) - Number(first) + 1;
}
