import type { S3Client } from '@aws-sdk/client-s3';
import type { SQSClient } from '@aws-sdk/client-sqs';
import { createS3Client, createSqsClient } from '../clients.ts';
import type { StackEndpoints } from './endpoints.ts';

/** An S3 client for a stack, whatever the environment says. */
export function stackS3({ s3 }: Pick<StackEndpoints, 's3'>, maxAttempts = 3): S3Client {
  const { endpoint, region, accessKeyId, secretAccessKey } = s3;
  const credentials = { accessKeyId, secretAccessKey };
  return createS3Client({ endpoint, region, credentials, maxAttempts });
}

/** An SQS client for a stack, whatever the environment says. */
export function stackSqs(stack: Pick<StackEndpoints, 's3' | 'sqs'>, maxAttempts = 3): SQSClient {
  const { endpoint, region } = stack.sqs;
  const { accessKeyId, secretAccessKey } = stack.s3;
  const credentials = { accessKeyId, secretAccessKey };
  return createSqsClient({ endpoint, region, credentials, maxAttempts });
}
