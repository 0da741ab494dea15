import { ApplicationFailure } from '@temporalio/workflow';
import type { z } from 'zod';
import { MessageError, parseMessage } from '../messages/parse.ts';

/**
 * Checks the input of a run, with the defaults of its schema. The starter checks what comes from a
 * queue; this is for runs that are started by other means. Any other error than a failure would fail
 * the workflow's task, which is tried again for ever.
 *
 * @param what the contract in words, e.g. `zip job`
 */
export function parseInput<T>(schema: z.ZodType<T>, input: unknown, what: string): T {
  try {
    return parseMessage(schema, input, what);
  } catch (error) {
    if (!(error instanceof MessageError)) throw error;
    throw ApplicationFailure.nonRetryable(error.message, error.name);
  }
}
