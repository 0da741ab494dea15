import { z } from 'zod';
import { bucketName, nonEmpty, objectKey } from './fields.ts';
import { MessageError, parseMessage } from './parse.ts';

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

export function isTestEvent(value: unknown): boolean {
  return testEventSchema.safeParse(value).success;
}

/** Whether a value is meant to be an event notification, well-formed or not. */
export function isEvent(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'Records' in value;
}

/**
 * The objects that an event tells to have been created: none, one or several. Events of objects that
 * were deleted, restored or tagged tell of none.
 *
 * @throws MessageError where it is not S3's
 */
export function parseEvent(value: unknown): EventObject[] {
  const { Records } = parseMessage(eventSchema, value, 'notification of an S3 event');
  return Records.flatMap(({ eventName, s3 }, index) => {
    const isCreated = eventName === undefined || /^(s3:)?ObjectCreated:/.test(eventName);
    if (!isCreated) return [];
    const { key, sequencer, eTag } = s3.object;
    return {
      bucket: s3.bucket.name,
      key: decodeKey(key, index),
      sequencer: sequencer || undefined,
      etag: eTag || undefined,
    };
  });
}

/** An object that was created, or replaced. */
export interface EventObject {
  readonly bucket: string;
  readonly key: string;
  /** Larger for a later event of the same key; with it, an event is known where it comes again. */
  readonly sequencer: string | undefined;
  readonly etag: string | undefined;
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
