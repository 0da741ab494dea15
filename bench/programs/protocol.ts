import { createInterface } from 'node:readline';
import type { S3Client } from '@aws-sdk/client-s3';
import { createS3Client } from '../../src/clients.ts';

/** What a program is to do: a line of JSON on its standard input. `lanes` is how much it does at once. */
export type ProgramJob<J> = J & { readonly lanes: number };

/** What a program has done: a line of JSON on its standard output. In bytes over the network. */
export interface ProgramResult {
  readonly bytesRead: number;
  readonly bytesWritten: number;
}

/** The line that a program writes once it is loaded; the clock starts after it. */
export const READY = 'ready';

/**
 * Runs a competitor that is a program: says that it is ready, then does each job that it is given,
 * with a fresh S3 client, and says what it has done. Ends with its standard input, so that its memory
 * can be looked at before.
 */
export async function runProgram<J>(
  work: (s3: S3Client, job: ProgramJob<J>) => Promise<ProgramResult>,
): Promise<void> {
  console.log(READY);
  for await (const line of createInterface({ input: process.stdin })) {
    const s3 = createS3Client();
    try {
      console.log(JSON.stringify(await work(s3, JSON.parse(line))));
    } finally {
      s3.destroy();
    }
  }
}
