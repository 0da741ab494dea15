import { createHash } from 'node:crypto';

/**
 * Bytes of a run's id. Its child runs have longer ones, by `/ProcessFile/part2000` at most, and the columns
 * of a PostgreSQL database take 255; Temporal's own limit is 1,000.
 */
const MAX_ID_BYTES = 230;

/** Bytes that are shown of what the run is for; an ETag has 32, a MessageId 36. */
const MAX_CAUSE_BYTES = 64;

/** Bytes of the hash, and the mark before it, that a text ends in where it is cut. */
const HASH_BYTES = 17;

/**
 * The id of a route run. What is too long is cut, and told from others by its hash.
 *
 * @param cause what tells this run from others of the same object: the ETag of its version, the event
 * that told of it, or the message that asked for it
 */
export function routeWorkflowId(bucket: string, key: string, cause: string): string {
  const end = `-${shown(cause.replaceAll('"', ''), MAX_CAUSE_BYTES)}`;
  return `${routePrefix(bucket, key, Buffer.byteLength(end))}${end}`;
}

/**
 * The id of the child run that splits a routed archive: one at a time of a key, since two of them would
 * write the same batch zips.
 */
export function routeSplitId(bucket: string, key: string): string {
  return `${routePrefix(bucket, key, MAX_CAUSE_BYTES)}/ProcessFile`;
}

/** @param endBytes what is left for what comes behind it */
function routePrefix(bucket: string, key: string, endBytes: number): string {
  const start = `route-${bucket}/`;
  return `${start}${shown(key, MAX_ID_BYTES - Buffer.byteLength(start) - endBytes)}`;
}

function shown(text: string, most: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= most) return text;
  const cut = bytes.subarray(0, Math.max(0, most - HASH_BYTES));
  // A character that is cut in two is left out.
  const start = new TextDecoder().decode(cut).replace(/\ufffd+$/, '');
  return `${start}~${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}`;
}
