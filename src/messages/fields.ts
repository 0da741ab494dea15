import { z } from 'zod';

/** S3's limit for a key, in bytes of UTF-8. */
export const MAX_KEY_BYTES = 1024;

/** A check for `refine`: at most so many bytes of UTF-8. */
export const atMost = (bytes: number) =>
  [
    (text: string) => new TextEncoder().encode(text).length <= bytes,
    { error: `expected at most ${bytes} bytes` },
  ] as const;

export const nonEmpty = z.string().min(1, { error: 'expected text that is not empty' });

/**
 * A bare file name: it becomes part of S3 keys and of a workflow id.
 *
 * @param bytes how long it may be, in UTF-8
 * @param what it is, for errors
 */
export const bareName = (bytes: number, what = 'file name') =>
  z
    .string()
    .regex(/^[^/\\\0]+$/, { error: `expected a bare ${what} without slashes` })
    .refine((name) => name !== '.' && name !== '..', { error: `expected a bare ${what}` })
    .refine((name) => name.isWellFormed(), { error: 'expected text that UTF-8 can say' })
    .refine(...atMost(bytes));

/** Letters, digits, `.`, `-` and, in the oldest buckets, `_`: others would make S3 answer 400 for ever. */
export const bucketName = z
  .string()
  .regex(/^[A-Za-z0-9._-]{3,255}$/, { error: 'expected the name of an S3 bucket' });

/** An object by bucket and key. */
export const S3_URL = /^s3:\/\/([A-Za-z0-9._-]{3,255})\/(.+)$/s;

/** Takes `s3://bucket/key` apart; undefined where it is none. */
export function parseS3Url(url: string): { bucket: string; key: string } | undefined {
  const [, bucket, key] = S3_URL.exec(url) ?? [];
  return bucket !== undefined && key !== undefined ? { bucket, key } : undefined;
}

export const objectKey = nonEmpty.refine(...atMost(MAX_KEY_BYTES));
