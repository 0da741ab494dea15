import { createHash } from 'node:crypto';

/**
 * Bytes that a run's id shows of a key, and of what the run is for. Its child runs have longer ids, and
 * Temporal allows 1,000 bytes (255 in a PostgreSQL database).
 */
const MAX_KEY_BYTES = 160;
const MAX_CAUSE_BYTES = 64;

/**
 * The id of a route run. What is too long is cut, and told from others by its hash.
 *
 * @param cause what tells this run from others of the same object: the ETag of its version, the event
 * that told of it, or the message that asked for it
 */
export function routeWorkflowId(bucket: string, key: string, cause: string): string {
  const told = cause.replaceAll('"', '');
  return `route-${bucket}/${shown(key, MAX_KEY_BYTES)}-${shown(told, MAX_CAUSE_BYTES)}`;
}

function shown(text: string, most: number): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= most) return text;
  // A character that is cut in two is left out.
  const start = new TextDecoder().decode(bytes.subarray(0, most)).replace(/\ufffd+$/, '');
  return `${start}~${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}`;
}
