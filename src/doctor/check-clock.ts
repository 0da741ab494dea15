import type { S3Client } from '@aws-sdk/client-s3';
import { ListBucketsCommand } from '@aws-sdk/client-s3';
import { type Finding, fail, pass, warn } from './finding.ts';

/** Signatures of a clock that is wrong by more are refused by S3 and SQS after 15 minutes (s). */
const FAIL_SECONDS = 300;
const WARN_SECONDS = 30;

/** Compares this machine's clock with that of the S3 server, by the `Date` of an answer (RFC 9110, 6.6.1). */
export async function checkClock(s3: S3Client): Promise<Finding> {
  const date = await serverDate(s3);
  if (date === undefined) {
    return warn(
      'Clock',
      'S3 does not tell the time',
      'see whether AWS_ENDPOINT_URL_S3 and AWS_REGION name the store, and whether it is up',
    );
  }
  const skew = (Date.now() - date) / 1000;
  const shown = Math.abs(skew) < 1 ? 'less than a second' : `${Math.abs(skew).toFixed(0)} s`;
  const message = `this machine is ${shown} off the S3 server`;
  const remedy = 'let the clock be set by NTP (timedatectl set-ntp true)';
  if (Math.abs(skew) >= FAIL_SECONDS) return fail('Clock', message, remedy);
  if (Math.abs(skew) >= WARN_SECONDS) return warn('Clock', message, remedy);
  return pass('Clock', message);
}

/** Any answer does, a refusal too. */
async function serverDate(s3: S3Client): Promise<number | undefined> {
  let date: number | undefined;
  const command = new ListBucketsCommand({});
  command.middlewareStack.add(
    (next) => async (args) => {
      const output = await next(args);
      const { headers } = output.response as { headers?: Record<string, string> };
      if (headers?.date) date = Date.parse(headers.date);
      return output;
    },
    { step: 'deserialize', priority: 'low' },
  );
  await s3.send(command).catch(() => {});
  return date;
}
