import { type Message, SendMessageCommand, type SQSClient } from '@aws-sdk/client-sqs';
import { queueName } from './queue-url.ts';
import { inSendSpan } from './telemetry/message-trace.ts';

/** A JSON body, and where it goes. */
export interface JsonMessage {
  /** URL of the queue, standard or FIFO. */
  readonly queueUrl: string;
  readonly body: string;
  /** In a FIFO queue: what keeps its order, and what tells a message from one that is sent again. */
  readonly groupId: string;
  readonly deduplicationId: string | undefined;
}

/** Sends a JSON body to a queue, with what SQS refuses of it escaped. */
export async function sendJson(
  sqs: SQSClient,
  { queueUrl, body, groupId, deduplicationId }: JsonMessage,
): Promise<void> {
  await inSendSpan(queueName(queueUrl), (MessageAttributes) => {
    const message = new SendMessageCommand({
      QueueUrl: queueUrl,
      MessageBody: acceptable(body),
      ...(Object.keys(MessageAttributes).length > 0 && { MessageAttributes }),
      ...fifoFields(queueUrl, groupId, deduplicationId),
    });
    return sqs.send(message);
  });
}

/** What a message to a FIFO queue has to say; nothing for a standard one, which refuses it. */
export function fifoFields(
  queueUrl: string,
  MessageGroupId: string,
  MessageDeduplicationId: Message['MessageId'],
) {
  return queueUrl.endsWith('.fifo') ? { MessageGroupId, MessageDeduplicationId } : {};
}

/**
 * A JSON body as SQS takes it: the two characters that it refuses and that JSON does not escape are
 * escaped. Names, ids and errors may hold them.
 */
function acceptable(json: string): string {
  return json.replace(/[\ufffe\uffff]/g, (character) =>
    character === '\ufffe' ? '\\ufffe' : '\\uffff',
  );
}
