import { type ItemsFailure, itemsJobSchema, itemsReplySchema } from '../messages/items.ts';
import { parseBody } from '../messages/parse.ts';
import { itemsRequest } from '../runs/request.ts';
import type { JobIntake } from './job-intake.ts';

/** Takes messages for batches of items: contract 3. */
export function itemsIntake(queue: string): JobIntake {
  return {
    job: 'items',
    queue,

    read(body) {
      return [itemsRequest(parseBody(itemsJobSchema, body, 'message for a batch of items'))];
    },

    refusal(body, reason) {
      try {
        const { batchId, notifyQueueUrl } = parseBody(itemsReplySchema, body, 'reply address');
        const failure: ItemsFailure = { batchId, status: 'failed', error: reason };
        return { queueUrl: notifyQueueUrl, body: JSON.stringify(failure) };
      } catch {
        return undefined;
      }
    },
  };
}
