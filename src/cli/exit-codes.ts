import { isGrpcServiceError, WorkflowNotFoundError } from '@temporalio/client';
import { CommanderError } from 'commander';
import { ConfigError } from '../config.ts';
import { MessageError } from '../messages/parse.ts';
import { TemporalUnreachableError } from '../temporal.ts';

/** What the command line exits with; docs/operations.md has the same table. */
export const EXIT = {
  /** What was asked for is done. */
  done: 0,
  /** The run failed, a check failed, or the command could not do what it is for. */
  failed: 1,
  /** Options, arguments, settings or an input that can't be used. */
  usage: 2,
  /** Temporal, S3 or SQS doesn't answer. */
  unreachable: 3,
  /** There is no such run or schedule, or it is not in a state in which this can be done. */
  noRun: 4,
} as const;

/** There is no such run or schedule, or none that this could be done to. */
export class NoRunError extends Error {
  override readonly name = 'NoRunError';
}

/** Arguments that make no sense together. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const CODES: readonly [new (...args: never[]) => Error, number][] = [
  [ConfigError, EXIT.usage],
  [MessageError, EXIT.usage],
  [UsageError, EXIT.usage],
  [TemporalUnreachableError, EXIT.unreachable],
  [NoRunError, EXIT.noRun],
  [WorkflowNotFoundError, EXIT.noRun],
];

/** How Node, and by their names the AWS SDK's errors, say that nobody answers. */
const UNANSWERED = [
  ...['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'ENETUNREACH', 'EHOSTUNREACH', 'ETIMEDOUT'],
  ...['EAI_AGAIN', 'TimeoutError'],
];

/** gRPC's UNAVAILABLE and DEADLINE_EXCEEDED. */
const UNANSWERED_GRPC = [14, 4];

/** The exit code for an error that ended a command. */
export function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  const known = CODES.find(([type]) => error instanceof type);
  if (known) return known[1];
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (isGrpcServiceError(cause)) {
      return UNANSWERED_GRPC.includes(Number(cause.code)) ? EXIT.unreachable : EXIT.failed;
    }
    const { code } = cause as { code?: unknown };
    if (UNANSWERED.includes(String(code)) || UNANSWERED.includes(cause.name)) {
      return EXIT.unreachable;
    }
  }
  return EXIT.failed;
}
