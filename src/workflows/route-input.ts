import { ApplicationFailure } from '@temporalio/workflow';
import { MessageError } from '../messages/parse.ts';
import { parseRouteMessage, type RouteJob, routeReplySchema } from '../messages/route.ts';

/**
 * The job of a run's input, which may be S3's event of one object. Fails where it is neither, or an
 * event of several.
 */
export function routeJobOf(input: unknown): RouteJob {
  try {
    const message = parseRouteMessage(input);
    if (message.kind === 'job') return message.job;
    const objects = message.kind === 'event' ? message.objects : [];
    const [object, ...others] = objects;
    if (object && others.length === 0) return { bucket: object.bucket, key: object.key };
    throw new MessageError(
      `A run routes one file, and this event tells of ${objects.length}; send it to the route queue, and each becomes a run`,
    );
  } catch (error) {
    if (!(error instanceof MessageError)) throw error;
    throw ApplicationFailure.nonRetryable(error.message, error.name);
  }
}

/** Where an input wants its notice to go, whatever is wrong with the rest of it. */
export function replyQueueOf(input: unknown): string | undefined {
  const reply = routeReplySchema.safeParse(input);
  return reply.success ? reply.data.notifyQueueUrl : undefined;
}
