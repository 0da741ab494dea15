import type { ResultMessage } from '../activities/send-result.ts';

/** A run that a message asks for. */
export interface RunRequest {
  readonly workflowType: string;
  readonly workflowId: string;
  readonly args: unknown[];
  /** One line for people, in the Web UI's list. */
  readonly summary: string;
}

/** What the starter knows of one kind of job: one of these a queue. */
export interface JobIntake {
  /** The kind of job, for logs. */
  readonly job: string;
  /** The queue's URL or name. */
  readonly queue: string;
  /** Reads a message. Throws MessageError where it is not the contract's. */
  read(body: string, messageId: string): RunRequest;
  /** The answer to a body that can't be read, if it is known whom to tell. */
  refusal(body: string, reason: string): ResultMessage | undefined;
}
