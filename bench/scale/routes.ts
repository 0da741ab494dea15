import { PutObjectCommand } from '@aws-sdk/client-s3';
import type { RouteJob, RouteNotice } from '../../src/messages/route.ts';
import { routeWorkflowId } from '../../src/runs/route-id.ts';
import type { Arena } from '../contest/arena.ts';
import { sendAll } from './queues.ts';
import type { Service, ServiceOptions } from './service.ts';

/** The file that every message is about: the cheapest job is one that finds its file too small. */
const FILE = { bucket: 'incoming', key: 'small' } as const;

/** The threshold of the first message (bytes); it is larger by one for each other, and so names it. */
const FIRST_THRESHOLD = 1_000_000;

/** Messages that are queued, and what is to become of them. */
export interface Queued {
  /** The id of the one run that each is to have. */
  readonly workflowIds: readonly string[];
  /** The name of the one notice that each is to have, see {@link nameOf}. */
  readonly names: readonly string[];
}

/** Settings for route messages. */
export const settings: ServiceOptions['settings'] = ({ triggers, results }) => ({
  ROUTE_QUEUE_URL: triggers,
  ROUTE_NOTIFY_QUEUE: results,
});

/** Queues messages, each for a run of its own. */
export async function queueRoutes(
  { s3 }: Arena,
  { sqs, queues }: Pick<Service, 'sqs' | 'queues'>,
  count: number,
): Promise<Queued> {
  const { bucket: Bucket, key: Key } = FILE;
  await s3.send(new PutObjectCommand({ Bucket, Key, Body: 'small' }));
  const thresholds = Array.from({ length: count }, (_, index) => FIRST_THRESHOLD + index);
  const bodies = thresholds.map((threshold) =>
    JSON.stringify({ ...FILE, threshold } satisfies RouteJob),
  );
  const messageIds = await sendAll(sqs, queues.triggers, bodies);
  return {
    workflowIds: messageIds.map((id) => routeWorkflowId(FILE.bucket, FILE.key, id)),
    names: thresholds.map(String),
  };
}

/** The message that a notice is the answer to. Throws where the notice is another than it must be. */
export function nameOf(body: string): string {
  const { status, threshold }: RouteNotice = JSON.parse(body);
  if (status !== 'too-small') throw new Error(`Expected a file that is too small, got ${body}`);
  return String(threshold);
}
