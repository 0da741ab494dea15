import { QueueDoesNotExist, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { ApplicationFailure, Context } from '@temporalio/activity';
import { heartbeating } from './heartbeat.ts';

/** A result message, and where it goes. */
export interface ResultMessage {
  /** URL of the queue, standard or FIFO. */
  readonly queueUrl: string;
  /** The body, JSON. */
  readonly body: string;
}

/** The activity that tells a client how its job ended. */
export function createSendResultActivity({ sqs }: { readonly sqs: SQSClient }) {
  return {
    /**
     * Sends a result message. A FIFO queue drops what a second attempt sends again, by the run's id; a
     * standard queue can't, so that an attempt that dies between SQS's answer and Temporal's hearing of
     * it sends twice.
     */
    async sendResult({ queueUrl, body }: ResultMessage): Promise<void> {
      return heartbeating(async ({ signal }) => {
        const { workflowId, runId } = Context.current().info.workflowExecution ?? {};
        const fifo = queueUrl.endsWith('.fifo') && {
          MessageGroupId: workflowId,
          MessageDeduplicationId: runId,
        };
        const message = new SendMessageCommand({ QueueUrl: queueUrl, MessageBody: body, ...fifo });
        try {
          await sqs.send(message, { abortSignal: signal });
        } catch (error) {
          if (!(error instanceof QueueDoesNotExist)) throw error;
          throw ApplicationFailure.nonRetryable(
            `The result queue ${queueUrl} does not exist; create it, then send the job again`,
            'QueueMissing',
          );
        }
      });
    },
  };
}
