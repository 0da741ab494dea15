import { DeleteMessageCommand, ReceiveMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import type { SplitFailure, SplitSuccess } from '../../src/messages/split.ts';
import type { ZipFailure, ZipSuccess } from '../../src/messages/zip.ts';

type Result = SplitFailure | SplitSuccess | ZipFailure | ZipSuccess;

/** A run that has not ended by then (ms) is not going to; the slowest competitor takes a minute. */
const TIMEOUT_MS = 15 * 60_000;

/** The longest that SQS lets a receive wait (s). */
const LONG_POLL_SECONDS = 20;

/** Waits for the one result message of a run. Throws where it says that the run failed. */
export async function receiveResult(
  sqs: SQSClient,
  QueueUrl: string,
  signal: AbortSignal,
): Promise<void> {
  const deadline = Date.now() + TIMEOUT_MS;
  while (Date.now() < deadline) {
    const { Messages: [message] = [] } = await sqs.send(
      new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: LONG_POLL_SECONDS }),
      { abortSignal: signal },
    );
    if (!message) continue;
    const { ReceiptHandle, Body = '' } = message;
    await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    const result: Result = JSON.parse(Body);
    if (result.status === 'failed') throw new Error(`The run failed: ${result.error}`);
    return;
  }
  throw new Error(`No result message in ${TIMEOUT_MS / 60_000} minutes`);
}
