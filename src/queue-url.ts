import { GetQueueUrlCommand, type SQSClient } from '@aws-sdk/client-sqs';

/** The URL of a queue that a setting gives by URL or by name. Rejects where there is no such queue. */
export async function resolveQueue(sqs: SQSClient, urlOrName: string): Promise<string> {
  if (URL.canParse(urlOrName)) return urlOrName;
  const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: urlOrName }));
  return QueueUrl as string;
}

/** The name of a queue, as its URL ends in it. */
export function queueName(queueUrl: string): string {
  return queueUrl.slice(queueUrl.lastIndexOf('/') + 1);
}
