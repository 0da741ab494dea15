import {
  GetQueueAttributesCommand,
  GetQueueUrlCommand,
  type Message,
  SendMessageCommand,
  type SQSClient,
} from '@aws-sdk/client-sqs';

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

/** Puts a message, body and attributes untouched, into a dead-letter queue. */
export async function sendToDeadLetters(
  sqs: SQSClient,
  deadLetterUrl: string,
  message: Message,
): Promise<void> {
  const fifo = deadLetterUrl.endsWith('.fifo') && {
    MessageGroupId: message.Attributes?.MessageGroupId ?? 'dead letters',
    MessageDeduplicationId: message.MessageId,
  };
  await sqs.send(
    new SendMessageCommand({
      QueueUrl: deadLetterUrl,
      MessageBody: message.Body,
      MessageAttributes: message.MessageAttributes,
      ...fifo,
    }),
  );
}
