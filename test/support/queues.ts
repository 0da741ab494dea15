import {
  GetQueueAttributesCommand,
  type Message,
  type MessageAttributeValue,
  ReceiveMessageCommand,
  SendMessageCommand,
} from '@aws-sdk/client-sqs';
import { expect, vi } from 'vitest';
import type { SplitJob } from '../../src/messages/split.ts';
import { testSqs } from './harness.ts';

/** Sends a body as it is; to a FIFO queue in a group of its own. Gives the MessageId. */
export async function sendBody(
  QueueUrl: string,
  MessageBody: string,
  MessageAttributes: Record<string, MessageAttributeValue> = {},
): Promise<string> {
  const unique = crypto.randomUUID();
  const fifo = QueueUrl.endsWith('.fifo') && {
    MessageGroupId: unique,
    MessageDeduplicationId: unique,
  };
  const message = { QueueUrl, MessageBody, MessageAttributes, ...fifo };
  const { MessageId = '' } = await testSqs().send(new SendMessageCommand(message));
  return MessageId;
}

/** A trigger message as the client's PHP encodes it: slashes are escaped. */
export function phpBody(job: SplitJob): string {
  return JSON.stringify(job).replaceAll('/', '\\/');
}

/** Receives what is in a queue and leaves it there, hidden for the queue's visibility time-out. */
export async function receiveAll(QueueUrl: string): Promise<Message[]> {
  const messages: Message[] = [];
  for (;;) {
    const { Messages = [] } = await testSqs().send(
      new ReceiveMessageCommand({
        QueueUrl,
        MaxNumberOfMessages: 10,
        MessageSystemAttributeNames: ['All'],
        MessageAttributeNames: ['All'],
      }),
    );
    if (Messages.length === 0) return messages;
    messages.push(...Messages);
  }
}

/** How many messages a queue holds: those that can be received, and those that somebody has in hand. */
export async function countMessages(
  QueueUrl: string,
  sqs = testSqs(),
): Promise<{ waiting: number; inHand: number }> {
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }),
  );
  return {
    waiting: Number(Attributes?.ApproximateNumberOfMessages),
    inHand: Number(Attributes?.ApproximateNumberOfMessagesNotVisible),
  };
}

/** The contract's limit for a message that can't be read, ms. */
const DEAD_LETTER_MS = 5_000;

/** Expects just these bodies in a dead-letter queue, no later than the contract allows from when they were sent. */
export async function expectDeadLetters(
  deadLetterUrl: string,
  bodies: readonly string[],
  sentAt: number,
): Promise<void> {
  const dead: string[] = [];
  await vi.waitFor(
    async () => {
      dead.push(...(await receiveAll(deadLetterUrl)).map(({ Body = '' }) => Body));
      expect(dead.toSorted()).toEqual(bodies.toSorted());
    },
    { timeout: DEAD_LETTER_MS - (Date.now() - sentAt), interval: 50 },
  );
}
