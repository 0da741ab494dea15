import {
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  type Message,
  type MessageAttributeValue,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';
import { fifoFields } from '../send-json.ts';

/** The URL of a queue's dead-letter queue, as its redrive policy names it; undefined without one. */
export async function deadLetterQueueOf(
  sqs: SQSClient,
  queueUrl: string,
): Promise<string | undefined> {
  const { Attributes } = await sqs.send(
    new GetQueueAttributesCommand({ QueueUrl: queueUrl, AttributeNames: ['RedrivePolicy'] }),
  );
  if (!Attributes?.RedrivePolicy) return undefined;
  const { deadLetterTargetArn } = JSON.parse(Attributes.RedrivePolicy);
  // arn:aws:sqs:region:account:name
  const [, , , , account, name] = String(deadLetterTargetArn).split(':');
  const { QueueUrl } = await sqs.send(
    new GetQueueUrlCommand({ QueueName: name, QueueOwnerAWSAccountId: account }),
  );
  return QueueUrl;
}

/**
 * Sends a message to another queue, its body and attributes untouched; in a FIFO queue it stays in its
 * group. Gives its new id.
 *
 * @param attributes that are added
 */
export async function forwardMessage(
  sqs: SQSClient,
  queueUrl: string,
  message: Message,
  attributes: Record<string, MessageAttributeValue> = {},
): Promise<string> {
  const group = message.Attributes?.MessageGroupId ?? 'dead letters';
  const { MessageId = '' } = await sqs.send(
    new SendMessageCommand({
      QueueUrl: queueUrl,
      MessageBody: message.Body,
      MessageAttributes: { ...message.MessageAttributes, ...attributes },
      ...fifoFields(queueUrl, group, message.MessageId),
    }),
  );
  return MessageId;
}
