import { onTestFinished, TestRunner } from 'vitest';

/** What hooks have asked for, in order. */
const atEndOfFile: (() => Promise<unknown>)[] = [];

/** Runs at the end of the test that asks, or of the file where a hook asks; the last one first. */
export function afterwards(clean: () => Promise<unknown>): void {
  const quietly = async () => {
    await clean().catch(() => {});
  };
  if (TestRunner.getCurrentTest()) onTestFinished(quietly);
  else atEndOfFile.push(quietly);
}

/** Does what the hooks of the file that ends have asked for. */
export async function cleanUpFile(): Promise<void> {
  for (const clean of atEndOfFile.splice(0).reverse()) await clean();
}
