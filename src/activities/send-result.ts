import { QueueDoesNotExist, type SQSClient } from '@aws-sdk/client-sqs';
import { ApplicationFailure } from '@temporalio/activity';
import { resolveQueue } from '../queue-url.ts';
import { sendJson } from '../send-json.ts';
import { heartbeating } from './heartbeat.ts';
import { currentRun } from './working-objects.ts';

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
    /** Sends a result message, see {@link sendOnce}. */
    async sendResult(message: ResultMessage): Promise<void> {
      return heartbeating(() => sendOnce(sqs, message));
    },
  };
}

/**
 * Sends the result message of the current run. A FIFO queue drops what a second attempt sends again, by
 * the run's id; a standard queue can't, so that an attempt that dies between SQS's answer and Temporal's
 * hearing of it sends twice. Hence a send is not broken off, by a stop of the worker neither: SQS may
 * have taken the message already.
 */
export async function sendOnce(sqs: SQSClient, { queueUrl, body }: ResultMessage): Promise<void> {
  const { workflowId, runId } = currentRun();
  try {
    await sendJson(sqs, { queueUrl, body, groupId: workflowId, deduplicationId: runId });
  } catch (error) {
    if (error instanceof QueueDoesNotExist) throw queueMissing(queueUrl);
    throw error;
  }
}

/** The URL of a result queue that a setting gives by URL or by name. Fails for good where there is none. */
export function resolveResultQueue(sqs: SQSClient, queue: string): Promise<string> {
  return resolveQueue(sqs, queue).catch((error) => {
    throw error instanceof QueueDoesNotExist ? queueMissing(queue) : error;
  });
}

/** @param queue as it was given, by URL or name */
function queueMissing(queue: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(
    `The result queue ${queue} does not exist; create it, then send the job again`,
    'QueueMissing',
  );
}
