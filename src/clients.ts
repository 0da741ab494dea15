import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { SQSClient, type SQSClientConfig } from '@aws-sdk/client-sqs';
import { NodeHttpHandler } from '@smithy/node-http-handler';

/** Copies, reads and uploads that may be under way at once in one process. */
const MAX_SOCKETS = 128;

/** A connection that is not made by then (ms) is not going to be. */
const CONNECTION_TIMEOUT_MS = 5_000;

/** Silence on a socket (ms) after which the request is given up; a range copy of 64 MiB is silent for seconds. */
const SOCKET_TIMEOUT_MS = 60_000;

/**
 * An S3 client for the endpoint, region and credentials of the AWS SDK's own settings
 * (`AWS_ENDPOINT_URL_S3`, `AWS_REGION`, profiles, roles). Path-style addresses where an endpoint is
 * set, since few stores but S3 itself serve a bucket as a host name. Checksums only where S3 demands
 * them: other stores reject the trailing ones, and each entry's CRC-32 is checked anyway.
 */
export function createS3Client(config: S3ClientConfig = {}): S3Client {
  return new S3Client({
    forcePathStyle: config.endpoint !== undefined || hasEndpoint(process.env.AWS_ENDPOINT_URL_S3),
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: new NodeHttpHandler({
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      socketTimeout: SOCKET_TIMEOUT_MS,
      httpAgent: { keepAlive: true, maxSockets: MAX_SOCKETS },
      httpsAgent: { keepAlive: true, maxSockets: MAX_SOCKETS },
    }),
    ...config,
  });
}

/**
 * An SQS client for the AWS SDK's own settings (`AWS_ENDPOINT_URL_SQS`, …). Where an endpoint is set,
 * every call goes there: the host in a queue's URL may be one that only its owner can reach.
 */
export function createSqsClient(config: SQSClientConfig = {}): SQSClient {
  const endpointIsSet =
    config.endpoint !== undefined || hasEndpoint(process.env.AWS_ENDPOINT_URL_SQS);
  return new SQSClient({
    useQueueUrlAsEndpoint: !endpointIsSet,
    requestHandler: new NodeHttpHandler({
      connectionTimeout: CONNECTION_TIMEOUT_MS,
      socketTimeout: SOCKET_TIMEOUT_MS,
    }),
    ...config,
  });
}

function hasEndpoint(ofService: string | undefined): boolean {
  return Boolean(ofService || process.env.AWS_ENDPOINT_URL);
}
