import { S3ServiceException } from '@aws-sdk/client-s3';

/** An object in S3. */
export interface ObjectLocation {
  readonly bucket: string;
  readonly key: string;
}

/** One version of an object, pinned by its ETag. Size in bytes. */
export interface ObjectVersion extends ObjectLocation {
  readonly etag: string;
  readonly size: number;
}

/** `s3://bucket/key`, as messages name an object. */
export function objectUrl({ bucket, key }: ObjectLocation): string {
  return `s3://${bucket}/${key}`;
}

/** The object that a job was told to read is not there. */
export class ObjectMissingError extends Error {
  override readonly name = 'ObjectMissingError';
  constructor(location: ObjectLocation, options?: ErrorOptions) {
    super(`${objectUrl(location)} does not exist; upload it, then send the job again`, options);
  }
}

/** Objects that go into an archive are not there, or no longer what they were. */
export class SourcesError extends Error {
  override readonly name = 'SourcesError';
  /** Objects that are not there, as `s3://bucket/key`. */
  readonly missing: readonly string[];
  /** @param what what is wrong with how many of how many, as a sentence without its full stop */
  constructor(what: string, missing: readonly string[]) {
    super(`${what}; upload them, then send the job again`);
    this.missing = missing;
  }
}

/** The object was replaced or deleted after the run had begun to read it. */
export class ObjectChangedError extends Error {
  override readonly name = 'ObjectChangedError';
  constructor(version: ObjectVersion, options?: ErrorOptions) {
    super(
      `${objectUrl(version)} changed while the run was reading it (its ETag was ${version.etag}); send the job again once it is final`,
      options,
    );
  }
}

/** S3 refuses the call: trying again can't help until somebody changes a permission. */
export class AccessDeniedError extends Error {
  override readonly name = 'AccessDeniedError';
  constructor(location: ObjectLocation, call: string, options?: ErrorOptions) {
    super(
      `S3 denies ${call} on ${objectUrl(location)}; allow it for the worker's credentials`,
      options,
    );
  }
}

/** The multipart upload that a part was meant for is gone: completed, or aborted by somebody else. */
export class UploadGoneError extends Error {
  override readonly name = 'UploadGoneError';
  constructor(location: ObjectLocation, options?: ErrorOptions) {
    super(`The multipart upload of ${objectUrl(location)} is gone before it was complete`, options);
  }
}

/** A file or folder of a workspace is gone or cut short, and with it what earlier attempts had put there. */
export class WorkspaceLostError extends Error {
  override readonly name = 'WorkspaceLostError';
  /** @param what what is wrong with the path, as the end of a sentence that begins with it */
  constructor(path: string, what: string, options?: ErrorOptions) {
    super(
      `${path} ${what}: it was swept, or the machine that held it is gone; the job starts over`,
      options,
    );
  }
}

/** A disk is full, or will be before the job is done, or a quota on it is used up. */
export class NoSpaceError extends Error {
  override readonly name = 'NoSpaceError';
  /** @param what what is missing and where, as a sentence without its full stop */
  constructor(what: string, options?: ErrorOptions) {
    super(
      `${what}; make room there, or name a larger disk (TMPDIR for small archives, EFS_PATH for large ones)`,
      options,
    );
  }
}

/** True for S3's answer that a thing is absent, as HEAD (no body, "NotFound") and GET spell it. */
export function isMissing(error: unknown): boolean {
  return error instanceof S3ServiceException && error.$metadata.httpStatusCode === 404;
}

/** True where a condition on an ETag (If-Match, x-amz-copy-source-if-match) does not hold. */
export function isPreconditionFailed(error: unknown): boolean {
  return error instanceof S3ServiceException && error.$metadata.httpStatusCode === 412;
}

/** True for S3's refusal of a call by these credentials. */
export function isAccessDenied(error: unknown): boolean {
  if (error instanceof AccessDeniedError) return true;
  return error instanceof S3ServiceException && error.$metadata.httpStatusCode === 403;
}

/** {@link AccessDeniedError} where S3 refuses a call, else the error itself. */
export function accessError(error: unknown, location: ObjectLocation, call: string): unknown {
  if (error instanceof AccessDeniedError || !isAccessDenied(error)) return error;
  return new AccessDeniedError(location, call, { cause: error });
}

/** True where S3 will not do what it is asked for, however often; not where it is too busy, or too slow. */
export function isRefused(error: unknown): error is S3ServiceException {
  const status = error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
  return status !== undefined && status >= 400 && status < 500 && status !== 408 && status !== 429;
}

/** True where the store does not know the call or the header at all. */
export function isNotImplemented(error: unknown): boolean {
  return error instanceof S3ServiceException && error.$metadata.httpStatusCode === 501;
}
