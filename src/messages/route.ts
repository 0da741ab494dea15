import { z } from 'zod';
import { bucketName, nonEmpty, objectKey } from './fields.ts';
import { MessageError, parseMessage } from './parse.ts';

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
  bucket: z.unknown().optional(),
  key: z.unknown().optional(),
  threshold: z.unknown().optional(),
  notifyQueueUrl: z.url(),
});

/**
 * S3's event notification. Source of the format: Amazon S3 User Guide, "Event message structure",
 * versions 2.0 to 2.3. Other stores leave some of it out.
 */
const eventSchema = z.object({
  Records: z.array(
    z.object({
      eventName: z.string().optional(),
      s3: z.object({
        bucket: z.object({ name: bucketName }),
        object: z.object({
          /** As a form encodes it: `%XX` of UTF-8, and `+` for a space. */
          key: nonEmpty,
          eTag: z.string().optional(),
          /** Larger for a later event of the same key. */
          sequencer: z.string().optional(),
        }),
      }),
    }),
  ),
});

/** S3 sends one when notifications of a bucket are set up. */
const testEventSchema = z.object({ Event: z.literal('s3:TestEvent') });

/** An object that an event tells of. */
export interface EventObject {
  readonly bucket: string;
  readonly key: string;
  /** Whether it was created, or replaced; false for one that was deleted, restored, tagged, … */
  readonly isCreated: boolean;
  /** What tells this event from others of the same object; undefined where the store says nothing. */
  readonly eventId: string | undefined;
}

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
  if (testEventSchema.safeParse(value).success) return { kind: 'test event' };
  if (typeof value === 'object' && value !== null && 'Records' in value) {
    const { Records } = parseMessage(eventSchema, value, 'notification of an S3 event');
    return { kind: 'event', objects: Records.map(eventObject) };
  }
  return { kind: 'job', job: parseMessage(routeJobSchema, value, 'route message') };
}

function eventObject(
  { eventName, s3 }: z.output<typeof eventSchema>['Records'][number],
  index: number,
): EventObject {
  const { key, sequencer, eTag } = s3.object;
  return {
    bucket: s3.bucket.name,
    key: decodeKey(key, index),
    isCreated: eventName === undefined || /^(s3:)?ObjectCreated:/.test(eventName),
    eventId: sequencer || eTag || undefined,
  };
}

function decodeKey(encoded: string, index: number): string {
  let key: string;
  try {
    key = decodeURIComponent(encoded.replaceAll('+', ' '));
  } catch (error) {
    throw new MessageError(
      `Not a notification of an S3 event: Records.${index}.s3.object.key: expected a URL-encoded key, got ${JSON.stringify(encoded)}`,
      { cause: error },
    );
  }
  return parseMessage(objectKey, key, `key of Records.${index}`);
}

/** A key as S3 writes it into an event. */
export function encodeEventKey(key: string): string {
  return encodeURIComponent(key).replaceAll('%2F', '/').replaceAll('%20', '+');
}

/** The event that S3 sends of an object that was put. */
export function objectCreatedEvent(object: {
  readonly bucket: string;
  readonly key: string;
  readonly size: number;
  readonly etag: string;
  readonly time: Date;
}) {
  const { bucket, key, size, etag, time } = object;
  return {
    Records: [
      {
        eventVersion: '2.1',
        eventSource: 'aws:s3',
        eventTime: time.toISOString(),
        eventName: 'ObjectCreated:Put',
        s3: {
          s3SchemaVersion: '1.0',
          bucket: { name: bucket, arn: `arn:aws:s3:::${bucket}` },
          object: {
            key: encodeEventKey(key),
            size,
            eTag: etag.replaceAll('"', ''),
            sequencer: time.getTime().toString(16).toUpperCase().padStart(16, '0'),
          },
        },
      },
    ],
  };
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

/** A job in a line, for people. */
export function routeSummary({ bucket, key }: Pick<RouteJob, 'bucket' | 'key'>): string {
  return `Route s3://${bucket ?? '?'}/${key ?? '?'} by its size`;
}
