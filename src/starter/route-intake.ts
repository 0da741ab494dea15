import type { Config } from '../config.ts';
import { isOurs } from '../messages/folders.ts';
import { MessageError, parseJson, parseMessage } from '../messages/parse.ts';
import {
  namedBy,
  parseRouteMessage,
  type RouteJob,
  type RouteNotice,
  routeReplySchema,
} from '../messages/route.ts';
import type { EventObject } from '../messages/s3-event.ts';
import { type RunRequest, routeRequest } from '../runs/request.ts';
import { routeWorkflowId } from '../runs/route-id.ts';
import type { JobIntake } from './job-intake.ts';

/**
 * Takes S3's event notifications, and plain messages for files that are routed: contract 4.
 *
 * @param noticeQueueUrl where notices go of files whose message names no queue
 */
export function routeIntake(
  queue: string,
  defaults: Pick<Config, 'ROUTE_BUCKET' | 'ROUTE_KEY' | 'ROUTE_THRESHOLD'>,
  noticeQueueUrl?: string,
): JobIntake {
  const notice = noticeQueueUrl ? { notifyQueueUrl: noticeQueueUrl } : {};
  return {
    job: 'route',
    queue,

    read(body, messageId) {
      const message = parseRouteMessage(parseJson(body, 'route message'));
      switch (message.kind) {
        case 'test event':
          return [];
        case 'event':
          // What split runs write is not routed again.
          return message.objects
            .filter(({ key }) => !isOurs(key))
            .map((object) => eventRequest(object, messageId));
        case 'job':
          return [jobRequest(message.job, messageId)];
      }
    },

    refusal(body, reason) {
      try {
        const message = JSON.parse(body);
        const { notifyQueueUrl } = parseMessage(routeReplySchema, message, 'reply address');
        const { bucket, key, threshold } = namedBy(message);
        const notice: RouteNotice = {
          ...{ status: 'failed', message: reason, bucket, key, size: null },
          threshold: threshold ?? defaults.ROUTE_THRESHOLD,
        };
        return { queueUrl: notifyQueueUrl, body: JSON.stringify(notice) };
      } catch {
        return undefined;
      }
    },
  };

  function jobRequest(job: RouteJob, messageId: string): RunRequest {
    const { bucket = defaults.ROUTE_BUCKET, key = defaults.ROUTE_KEY } = job;
    if (!bucket) throw missing('bucket', 'ROUTE_BUCKET');
    if (!key) throw missing('key', 'ROUTE_KEY');
    const workflowId = routeWorkflowId(bucket, key, messageId);
    return routeRequest(workflowId, { ...notice, ...job, bucket, key });
  }

  function eventRequest(object: EventObject, messageId: string): RunRequest {
    const { bucket, key, sequencer, etag } = object;
    const workflowId = routeWorkflowId(bucket, key, sequencer ?? etag ?? messageId);
    const request = routeRequest(workflowId, { ...notice, bucket, key });
    // Without a sequencer, the same bytes that are put once more look the same.
    return { ...request, once: sequencer !== undefined };
  }
}

function missing(field: string, setting: string): MessageError {
  return new MessageError(
    `Not a route message: ${field}: expected text, got nothing; ${setting} would be the default`,
  );
}
