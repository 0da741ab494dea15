import { S3ServiceException } from '@aws-sdk/client-s3';
import { WORKING_FOLDER } from '../messages/folders.ts';
import { isNotImplemented } from '../storage/errors.ts';
import { type Finding, fail, pass, warn } from './finding.ts';

/** What IAM calls the permission for a call. */
const PERMISSIONS: Record<string, string> = {
  PutObject: 's3:PutObject',
  HeadObject: 's3:GetObject',
  GetObject: 's3:GetObject',
  ListObjectsV2: 's3:ListBucket',
  CreateMultipartUpload: 's3:PutObject',
  UploadPart: 's3:PutObject',
  UploadPartCopy: 's3:PutObject and s3:GetObject',
  ListParts: 's3:ListMultipartUploadParts',
  CompleteMultipartUpload: 's3:PutObject',
  DeleteObjects: 's3:DeleteObject',
};

/** What an upload that is aborted takes. */
const UPLOAD_PERMISSIONS = 's3:PutObject and s3:AbortMultipartUpload';

/** How S3 says that it does not know who asks. */
const REFUSED_KEYS = [
  'InvalidAccessKeyId',
  'SignatureDoesNotMatch',
  'InvalidToken',
  'ExpiredToken',
  'RequestTimeTooSkewed',
];

/** Calls on a bucket, and how they ended. */
export class BucketTrial {
  readonly #bucket: string;
  readonly #area: string;
  readonly #allowed: string[] = [];
  readonly #faults: Finding[] = [];
  /** There is no such bucket, or nobody who answers. */
  isHopeless = false;

  constructor(bucket: string) {
    this.#bucket = bucket;
    this.#area = `S3 ${bucket}`;
  }

  /** Makes a call; undefined where it fails. */
  async call<T>(name: string, make: () => Promise<T>): Promise<T | undefined> {
    try {
      const answer = await make();
      this.#allowed.push(name);
      return answer;
    } catch (error) {
      this.#faults.push(this.#judge(name, error));
      return undefined;
    }
  }

  findings(): Finding[] {
    const allowed = this.#allowed;
    return [
      ...(allowed.length > 0 ? [pass(this.#area, `allowed: ${allowed.join(', ')}`)] : []),
      ...this.#faults,
    ];
  }

  #denied(name: string, { name: code, message }: Error): Finding {
    const folder = /^an upload to (.*)$/.exec(name)?.[1] ?? WORKING_FOLDER;
    const resource = name === 'ListObjectsV2' ? '' : `/${folder}*`;
    const left = name === 'DeleteObjects' ? `; then remove ${WORKING_FOLDER}doctor-… there` : '';
    return fail(
      this.#area,
      `${name} is denied (${code}: ${message})`,
      `allow ${PERMISSIONS[name] ?? UPLOAD_PERMISSIONS} on arn:aws:s3:::${this.#bucket}${resource}${left}`,
    );
  }

  #judge(name: string, error: unknown): Finding {
    const { message } = error as Error;
    if (error instanceof S3ServiceException) {
      const { httpStatusCode: status } = error.$metadata;
      if (error.name === 'NoSuchBucket') {
        this.isHopeless = true;
        return fail(this.#area, 'there is no such bucket', 'create it, or name another one');
      }
      if (isNotImplemented(error)) {
        return warn(
          this.#area,
          `${name}: this store does not know the call`,
          'none is needed for range copies: workers read and upload instead; other calls are needed',
        );
      }
      if (REFUSED_KEYS.includes(error.name)) {
        this.isHopeless = true;
        return fail(
          this.#area,
          `the keys are refused (${error.name}: ${message})`,
          'correct AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, the profile or the role; and see the clock',
        );
      }
      if (status === 403) return this.#denied(name, error);
    } else if (error instanceof Error && error.name === 'AccessDenied') {
      return this.#denied(name, error);
    } else {
      this.isHopeless = true;
    }
    return fail(
      this.#area,
      `${name}: ${message}`,
      'see whether AWS_ENDPOINT_URL_S3 and AWS_REGION name the store, and whether it is up',
    );
  }
}
