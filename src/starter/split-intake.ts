import { parseBody } from '../messages/parse.ts';
import { splitFailure, splitMessageSchema, splitReplySchema } from '../messages/split.ts';
import { splitRequest } from '../runs/request.ts';
import type { JobIntake } from './job-intake.ts';

/** Takes split messages: the trigger of contract 1. */
export function splitIntake(queue: string): JobIntake {
  return {
    job: 'split',
    queue,

    read(body) {
      return [splitRequest(parseBody(splitMessageSchema, body, 'split message'))];
    },

    refusal(body, reason) {
      try {
        const { downloadId, updatesQueueUrl } = parseBody(splitReplySchema, body, 'reply address');
        return {
          queueUrl: updatesQueueUrl,
          body: JSON.stringify(splitFailure(downloadId, reason)),
        };
      } catch {
        return undefined;
      }
    },
  };
}
