import type { StackEndpoints } from '../../src/local/endpoints.ts';

/** Where a competitor works. */
export interface Site {
  readonly stack: StackEndpoints;
  /** The bucket of the job that counts; a rehearsal has another one. */
  readonly bucket: string;
  /** Its temporary folder. */
  readonly workDir: string;
  /** How much a program does at once, see `Competitor.lanes`; sheaf has settings of its own. */
  readonly lanes: number;
  /** Gives up. */
  readonly signal: AbortSignal;
}

/** What every job has; what is to be done comes beside it. */
export interface JobPlace {
  /** Holds what is worked on and nothing else; takes what is made of it. */
  readonly bucket: string;
  /** An empty folder for what is kept on disk. */
  readonly workDir: string;
}

/** What a competitor says of its work once it is done. */
export interface Account {
  /** Bytes that it read from S3 and wrote to it. */
  readonly bytesRead: number;
  readonly bytesWritten: number;
  /** Time (s) from the trigger message to the start of the run's first activity; sheaf only. */
  readonly firstActivitySeconds?: number;
}

/** A competitor that is up and waits for work. */
export interface Standby<J> {
  /** The process that does the work, and others that it needs. */
  readonly pid: number;
  readonly helpers: readonly number[];
  /** Does the work; this is what is timed. */
  run(job: J): Promise<void>;
  /** What the last job took; called after it, outside the time. */
  account(): Promise<Account>;
  stop(): Promise<void>;
}

/** One way to do jobs of a kind. */
export interface Competitor<J> {
  /** As in the `--only` option. */
  readonly id: string;
  /** What it is, in a few words. */
  readonly title: string;
  /** Whether it does the job, whose results are then checked; a floor does not. */
  readonly delivers: boolean;
  /** What `Site.lanes` is the number of, e.g. `batch zips at once`; undefined where it means nothing to it. */
  readonly lanes?: string | undefined;
  start(site: Site): Promise<Standby<J>>;
}

/** What a competitor is called. */
export type About = Pick<Competitor<unknown>, 'id' | 'title'>;
