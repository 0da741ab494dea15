import { loadProcessors, type Processors } from '../../src/processors/load.ts';
import type { Processor } from '../../src/processors/processor.ts';
import { testS3, testSqs } from './harness.ts';

/** The processors that every worker has, and these. */
export async function processorsWith(own: readonly Processor[]): Promise<Processors> {
  const builtIn = await loadProcessors([], { s3: testS3(), sqs: testSqs() });
  return new Map([...builtIn, ...own.map((processor) => [processor.name, processor] as const)]);
}
