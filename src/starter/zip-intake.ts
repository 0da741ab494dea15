import { parseBody } from '../messages/parse.ts';
import { zipFailure, zipJobSchema, zipReplySchema } from '../messages/zip.ts';
import { zipRequest } from '../runs/request.ts';
import type { JobIntake } from './job-intake.ts';

/**
 * Takes zip messages: the trigger of contract 2.
 *
 * @param resultQueueUrl where results go, and what is said of messages that are no zip jobs
 */
export function zipIntake(queue: string, resultQueueUrl: string | undefined): JobIntake {
  return {
    job: 'zip',
    queue,

    read(body, messageId) {
      return [zipRequest(messageId, parseBody(zipJobSchema, body, 'zip message'))];
    },

    refusal(body, reason) {
      if (!resultQueueUrl) return undefined;
      try {
        const { metadata } = parseBody(zipReplySchema, body, 'zip message');
        const failure = zipFailure(reason, [], metadata);
        return { queueUrl: resultQueueUrl, body: JSON.stringify(failure) };
      } catch {
        // Nobody could tell whose message it was.
        return undefined;
      }
    },
  };
}
