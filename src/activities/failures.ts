import { S3ServiceException } from '@aws-sdk/client-s3';
import { ApplicationFailure, CancelledFailure, type Context } from '@temporalio/activity';
import { ArchiveError } from '../archive/errors.ts';
import { ConfigError } from '../config.ts';
import { CountMismatch, ItemsError } from '../items/errors.ts';
import { MessageError } from '../messages/parse.ts';
import {
  AccessDeniedError,
  NoSpaceError,
  ObjectChangedError,
  ObjectMissingError,
  SourcesError,
  UploadGoneError,
  WorkspaceLostError,
} from '../storage/errors.ts';

/** Errors whose cause lies in the job: the same attempt would end the same way. */
const FINAL_ERRORS = [
  ArchiveError,
  ConfigError,
  CountMismatch,
  ItemsError,
  MessageError,
  AccessDeniedError,
  NoSpaceError,
  ObjectChangedError,
  ObjectMissingError,
  SourcesError,
  UploadGoneError,
  WorkspaceLostError,
];

/** An attempt that a worker gave up because it was told to stop is taken up by another one at once. */
const SHUTDOWN_RETRY_DELAY = '1 millisecond';

/**
 * Maps an error at the activity's edge to what Temporal acts on: final errors are not retried,
 * everything else (S3's 5xx, throttling, resets, time-outs, bugs) is. The failure's type is the error's
 * name.
 */
export function toFailure(error: unknown, context: Context): Error {
  if (context.cancellationSignal.aborted) {
    if (context.cancellationDetails?.cancelRequested) {
      return new CancelledFailure('The activity was cancelled');
    }
    return ApplicationFailure.create({
      type: 'WorkerShutdown',
      message:
        'The worker stopped before the activity was done; another attempt goes on from its checkpoint',
      nextRetryDelay: SHUTDOWN_RETRY_DELAY,
    });
  }
  if (error instanceof ApplicationFailure) return error;
  if (!(error instanceof Error)) return ApplicationFailure.create({ message: String(error) });
  return ApplicationFailure.create({
    type: error.name,
    message: describe(error),
    nonRetryable: FINAL_ERRORS.some((final) => error instanceof final),
    cause: error,
    ...(error instanceof SourcesError && { details: [error.missing] }),
  });
}

function describe(error: Error): string {
  if (!(error instanceof S3ServiceException)) return error.message;
  const { httpStatusCode: status = 'no status', attempts = 1 } = error.$metadata;
  // The answer to a HEAD has no body that would name the error.
  if (error.name === 'Unknown') return `S3 answers ${status} after ${attempts} attempt(s)`;
  return `S3 answers ${error.name} (${status}) after ${attempts} attempt(s): ${error.message}`;
}
