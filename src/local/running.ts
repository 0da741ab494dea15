import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StackEndpoints } from './endpoints.ts';
import { lockHolder } from './lock.ts';

/**
 * The endpoints of the stack that runs on a data folder, in whichever process, or undefined if
 * none runs there.
 */
export async function findRunningStack(dir: string): Promise<StackEndpoints | undefined> {
  const recorded = await readRecord(dir);
  if (recorded === undefined || (await lockHolder(dir)) === undefined) return undefined;
  return recorded;
}

/** Writes down the endpoints of a stack for {@link findRunningStack}; they hold its keys. */
export async function recordStack(dir: string, endpoints: StackEndpoints): Promise<void> {
  await writeFile(recordFile(dir), `${JSON.stringify(endpoints, null, 2)}\n`, { mode: 0o600 });
}

/** Removes what {@link recordStack} wrote. */
export async function forgetStack(dir: string): Promise<void> {
  await rm(recordFile(dir), { force: true });
}

/** Whether the last stack on a data folder ended without being stopped. To be asked under its lock. */
export async function wasCutOff(dir: string): Promise<boolean> {
  return (await readRecord(dir)) !== undefined;
}

async function readRecord(dir: string): Promise<StackEndpoints | undefined> {
  try {
    return JSON.parse(await readFile(recordFile(dir), 'utf8'));
  } catch {
    return undefined;
  }
}

function recordFile(dir: string): string {
  return join(dir, 'stack.json');
}
