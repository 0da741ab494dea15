import type { S3Client } from '@aws-sdk/client-s3';
import type { Competitor, JobPlace } from './competitor.ts';

/** A job that can be set as often as it is needed, the same each time. */
export interface Exercise<J extends JobPlace> {
  /** Puts what is worked on into the place's bucket, and says what is to be done with it. */
  set(s3: S3Client, place: JobPlace, signal: AbortSignal): Promise<J>;
  /** Reads all that was made and returns its bytes. Throws an error that names what is wrong. */
  check(s3: S3Client, job: J, signal: AbortSignal): Promise<number>;
}

/** A competitor with what it works on. */
export interface Assignment<J extends JobPlace> {
  readonly competitor: Competitor<J>;
  readonly exercise: Exercise<J>;
  /** What it does first, untimed; undefined for a cold start. */
  readonly rehearsal: Exercise<J> | undefined;
}
