import {
  CreateQueueCommand,
  DeleteMessageBatchCommand,
  GetQueueAttributesCommand,
  type Message,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SetQueueAttributesCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { MAX_RECEIVE_COUNT } from '../../src/local/provision.ts';

/** Messages that SQS takes, or gives, in one call at most. */
const MESSAGES_A_CALL = 10;

/** A receive waits so long for a message (s). */
const LONG_POLL_SECONDS = 5;

/** A result that would come twice has come by then (s): a receive that waits for nothing. */
const NOTHING_MORE_SECONDS = 2;

/** No part of this bench waits longer for a result (ms) after the one before it. */
const SILENCE_MS = 120_000;

/** URLs of a service's own queues. */
export interface ScaleQueues {
  readonly triggers: string;
  readonly deadLetters: string;
  readonly results: string;
}

/** Makes queues as production has them: what was received too often goes to the dead letters. */
export async function makeQueues(sqs: SQSClient, name: string): Promise<ScaleQueues> {
  const create = async (QueueName: string) => {
    const { QueueUrl = '' } = await sqs.send(new CreateQueueCommand({ QueueName }));
    return QueueUrl;
  };
  const deadLetters = await create(`${name}-dlq`);
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: deadLetters, AttributeNames: ['QueueArn'] }),
  );
  const triggers = await create(name);
  const RedrivePolicy = JSON.stringify({
    deadLetterTargetArn: Attributes?.QueueArn,
    maxReceiveCount: MAX_RECEIVE_COUNT,
  });
  await sqs.send(
    new SetQueueAttributesCommand({ QueueUrl: triggers, Attributes: { RedrivePolicy } }),
  );
  return { triggers, deadLetters, results: await create(`${name}-results`) };
}

/** Sends messages, ten at a time; gives their ids in the same order. */
export async function sendAll(
  sqs: SQSClient,
  QueueUrl: string,
  bodies: readonly string[],
): Promise<string[]> {
  const ids: string[] = [];
  for (let from = 0; from < bodies.length; from += MESSAGES_A_CALL) {
    const part = bodies.slice(from, from + MESSAGES_A_CALL);
    const Entries = part.map((MessageBody, index) => ({ Id: String(index), MessageBody }));
    const { Successful = [], Failed = [] } = await sqs.send(
      new SendMessageBatchCommand({ QueueUrl, Entries }),
    );
    if (Failed.length > 0) throw new Error(`SQS refuses a message: ${Failed[0]?.Message}`);
    const idOf = new Map(Successful.map(({ Id, MessageId = '' }) => [Id, MessageId]));
    ids.push(...Entries.map(({ Id }) => idOf.get(Id) ?? ''));
  }
  return ids;
}

/**
 * Receives a result for each of `expected`, and deletes it. Throws where one comes that is not among
 * them or has come before, and where none comes for too long.
 *
 * @param nameOf what a result's body is the result of
 * @returns when the last one came, as `performance.now()` has it
 */
export async function receiveEach(
  sqs: SQSClient,
  QueueUrl: string,
  expected: readonly string[],
  nameOf: (body: string) => string,
  signal: AbortSignal,
): Promise<number> {
  const missing = new Set(expected);
  let lastAt = performance.now();
  while (missing.size > 0) {
    const messages = await receive(sqs, QueueUrl, LONG_POLL_SECONDS, signal);
    for (const { Body = '' } of messages) {
      const name = nameOf(Body);
      if (!missing.delete(name)) throw new Error(`A result that was not expected: ${Body}`);
    }
    if (messages.length > 0) lastAt = performance.now();
    else if (performance.now() - lastAt > SILENCE_MS) {
      throw new Error(`${missing.size} of ${expected.length} results do not come`);
    }
  }
  return lastAt;
}

/** Throws where a queue gives a message. */
export async function expectNothingMore(
  sqs: SQSClient,
  QueueUrl: string,
  signal: AbortSignal,
): Promise<void> {
  const [message] = await receive(sqs, QueueUrl, NOTHING_MORE_SECONDS, signal);
  if (message) throw new Error(`A message too many in ${QueueUrl}: ${message.Body}`);
}

async function receive(
  sqs: SQSClient,
  QueueUrl: string,
  WaitTimeSeconds: number,
  abortSignal: AbortSignal,
): Promise<Message[]> {
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl,
      WaitTimeSeconds,
      MaxNumberOfMessages: MESSAGES_A_CALL,
    }),
    { abortSignal },
  );
  if (Messages.length === 0) return [];
  const Entries = Messages.map(({ ReceiptHandle }, index) => ({
    Id: String(index),
    ReceiptHandle,
  }));
  const { Failed = [] } = await sqs.send(new DeleteMessageBatchCommand({ QueueUrl, Entries }));
  if (Failed.length > 0) throw new Error(`SQS keeps a message: ${Failed[0]?.Message}`);
  return Messages;
}

/** Messages that a queue holds, in somebody's hands or not. */
export async function countMessages(sqs: SQSClient, QueueUrl: string): Promise<number> {
  const { Attributes = {} } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }),
  );
  const { ApproximateNumberOfMessages, ApproximateNumberOfMessagesNotVisible } = Attributes;
  return Number(ApproximateNumberOfMessages) + Number(ApproximateNumberOfMessagesNotVisible);
}
