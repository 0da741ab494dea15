import type { ResultMessage } from '../activities/send-result.ts';
import { parseBody } from '../messages/parse.ts';
import { splitFailure, splitMessageSchema, splitReplySchema } from '../messages/split.ts';
import type { splitArchive } from '../workflows/split-archive.ts';
import { splitWorkflowId } from '../workflows/workflow-ids.ts';
import type { JobIntake, RunRequest } from './job-intake.ts';

/** Takes split messages: the trigger of contract 1. */
export function splitIntake(queue: string) {
  return {
    job: 'split',
    queue,

    read(body: string): RunRequest {
      const job = parseBody(splitMessageSchema, body, 'split message');
      return {
        workflowType: 'splitArchive' satisfies (typeof splitArchive)['name'],
        workflowId: splitWorkflowId(job),
        args: [job],
        summary: `Split s3://${job.s3Bucket}/${job.exportPath}`,
      };
    },

    refusal(body: string, reason: string): ResultMessage | undefined {
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
  } satisfies JobIntake;
}
