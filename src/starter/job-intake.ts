import type { ResultMessage } from '../activities/send-result.ts';
import type { RunRequest } from '../runs/request.ts';
import type { Job } from '../telemetry/jobs.ts';

/** What the starter knows of one kind of job: one of these a queue. */
export interface JobIntake {
  readonly job: Job;
  /** The queue's URL or name. */
  readonly queue: string;
  /**
   * The runs that a message asks for: one, or for an event as many as it tells of. Throws MessageError
   * where it is not the contract's.
   */
  read(body: string, messageId: string): readonly RunRequest[];
  /** The answer to a body that can't be read, if it is known whom to tell. */
  refusal(body: string, reason: string): ResultMessage | undefined;
}
