import { createHash } from 'node:crypto';

/**
 * Bytes of a key that a run's id shows. Its child runs have longer ids, and Temporal allows 1,000 bytes
 * (255 in a PostgreSQL database).
 */
const MAX_SHOWN_BYTES = 160;

/**
 * The id of a route run. A key that is too long is cut, and told from others by its hash.
 *
 * @param cause what tells this run from others of the same object: the ETag of its version, the event
 * that told of it, or the message that asked for it
 */
export function routeWorkflowId(bucket: string, key: string, cause: string): string {
  return `route-${bucket}/${shown(key)}-${cause.replaceAll('"', '')}`;
}

function shown(key: string): string {
  const bytes = Buffer.from(key);
  if (bytes.length <= MAX_SHOWN_BYTES) return key;
  // A character that is cut in two is left out.
  const start = new TextDecoder()
    .decode(bytes.subarray(0, MAX_SHOWN_BYTES))
    .replace(/\ufffd+$/, '');
  return `${start}~${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}`;
}
