import {
  type ItemsFailure,
  itemsJobSchema,
  itemsReplySchema,
  itemsSummary,
} from '../messages/items.ts';
import { parseBody } from '../messages/parse.ts';
import type { processItems } from '../workflows/process-items.ts';
import { itemsWorkflowId } from '../workflows/workflow-ids.ts';
import type { JobIntake } from './job-intake.ts';

/** Takes messages for batches of items: contract 3. */
export function itemsIntake(queue: string): JobIntake {
  return {
    job: 'items',
    queue,

    read(body) {
      const job = parseBody(itemsJobSchema, body, 'message for a batch of items');
      return {
        workflowType: 'processItems' satisfies (typeof processItems)['name'],
        workflowId: itemsWorkflowId(job.batchId),
        args: [job],
        summary: itemsSummary(job),
      };
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
