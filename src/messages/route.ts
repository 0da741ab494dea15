import { z } from 'zod';
import { bucketName, objectKey } from './fields.ts';
import { MessageError, parseMessage } from './parse.ts';
import { type EventObject, isEvent, isTestEvent, parseEvent } from './s3-event.ts';

/** A field that may be absent, or null, where a setting says what it is. */
const optional = <T extends z.ZodType>(schema: T) =>
  schema.nullish().transform((given) => given ?? undefined);

/** What a route run is told, and the plain message of its queue. */
export const routeJobSchema = z.object({
  /** By default `ROUTE_BUCKET`. */
  bucket: optional(bucketName),
  /** By default `ROUTE_KEY`. */
  key: optional(objectKey),
  /** Bytes; by default `ROUTE_THRESHOLD`. */
  threshold: optional(
    z
      .int({ error: 'expected a size in bytes, from 0 up' })
      .nonnegative({ error: 'expected a size in bytes, from 0 up' }),
  ),
  /** SQS URL for the notice; by default `ROUTE_NOTIFY_QUEUE`. */
  notifyQueueUrl: optional(z.url({ error: 'expected the URL of an SQS queue' })),
});

/** See {@link routeJobSchema}. */
export type RouteJob = Partial<z.output<typeof routeJobSchema>>;

/** What a message that can't be taken must still have, for its sender to be told so. */
export const routeReplySchema = z.object({
  notifyQueueUrl: z.url(),
});

/** What a message of the route queue is. */
export type RouteMessage =
  | { readonly kind: 'job'; readonly job: RouteJob }
  | { readonly kind: 'event'; readonly objects: readonly EventObject[] }
  | { readonly kind: 'test event' };

/**
 * Tells what a message, or a run's input, asks for.
 *
 * @throws MessageError where it is neither a job nor an event
 */
export function parseRouteMessage(value: unknown): RouteMessage {
  if (isTestEvent(value)) return { kind: 'test event' };
  if (isEvent(value)) return { kind: 'event', objects: parseEvent(value) };
  if (isEnvelope(value)) {
    throw new MessageError(
      'Not a route message: an envelope of SNS or EventBridge; let S3 send its events to the queue itself, or SNS with raw message delivery',
    );
  }
  return { kind: 'job', job: parseMessage(routeJobSchema, value, 'route message') };
}

/** How SNS and EventBridge wrap what they pass on: a job has none of these fields. */
function isEnvelope(value: unknown): boolean {
  const { Type, Message, 'detail-type': detailType } = (value ?? {}) as Record<string, unknown>;
  return (typeof Type === 'string' && Message !== undefined) || detailType !== undefined;
}

/** The states of a route run, as people read them. */
export type RouteState =
  | 'CheckFileSize'
  | 'ChoiceState'
  | 'ProcessFile'
  | 'NotifyFileOk'
  | 'NotifyFileTooSmall'
  | 'DefaultState';

/** The message that a route run sends, once. */
export interface RouteNotice {
  readonly status: 'processed' | 'too-small' | 'failed';
  readonly message: string;
  readonly bucket: string | null;
  readonly key: string | null;
  /** The object's, in bytes; null where it is absent or unknown. */
  readonly size: number | null;
  /** In bytes; null where the run came to nothing before it was known. */
  readonly threshold: number | null;
  /** What processing the file gave: a split run's result, or that of a processor. */
  readonly result?: unknown;
}

/** What a route run ends with. */
export interface RouteResult extends RouteNotice {
  /** The states that it went through, in order. */
  readonly states: readonly RouteState[];
}

/** What a message, or an input, names, whatever is wrong with the rest of it. */
export function namedBy(input: unknown): Pick<RouteNotice, 'bucket' | 'key' | 'threshold'> {
  const { bucket, key, threshold } = (input ?? {}) as Record<string, unknown>;
  return {
    bucket: typeof bucket === 'string' ? bucket : null,
    key: typeof key === 'string' ? key : null,
    threshold: typeof threshold === 'number' ? threshold : null,
  };
}

/** A job in a line, for people. */
export function routeSummary({ bucket, key }: Pick<RouteJob, 'bucket' | 'key'>): string {
  return `Route s3://${bucket ?? '?'}/${key ?? '?'} by its size`;
}
