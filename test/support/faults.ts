import { type SampleOptions, sampleExport } from '../../src/local/sample-export.ts';

/** A sample export as one buffer. */
export async function sampleArchive(options: SampleOptions): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(sampleExport(options).chunks()));
}

/** A promise that a test settles when it wants something to go on. */
export function gate(): { readonly opened: Promise<undefined>; open(): void } {
  const { promise, resolve } = Promise.withResolvers<undefined>();
  return { opened: promise, open: () => resolve(undefined) };
}
