import { execFile } from 'node:child_process';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { type StackEndpoints, stackEnvironment } from '../../src/local/endpoints.ts';
import { ensureServers } from '../../src/local/locate.ts';
import { bareEnvironment } from './harness.ts';
import { type Called, MAIN } from './sheaf.ts';
import { tempFolder } from './temp-folder.ts';

const run = promisify(execFile);

/** A shell that knows `temporal` and `npx sheaf`, as somebody has who follows a page of the documentation. */
export interface PageShell {
  /** The folder that it is in. */
  readonly folder: string;
  /** Runs a line. */
  call(command: string): Promise<Called>;
}

/**
 * Opens a shell in a folder of the test's own.
 *
 * @param settings what it has set besides the stack's own
 */
export async function pageShell(
  stack: StackEndpoints,
  settings: Readonly<Record<string, string>> = {},
): Promise<PageShell> {
  const folder = await tempFolder();
  const env = { ...bareEnvironment(), ...stackEnvironment(stack), ...settings };
  env.PATH = `${await programs(folder)}:${env.PATH}`;
  return {
    folder,
    call: async (command) => {
      const options = { cwd: folder, env };
      try {
        return { code: 0, ...(await run('bash', ['-euo', 'pipefail', '-c', command], options)) };
      } catch (error) {
        const { code, stdout, stderr } = error as Called;
        return { code, stdout, stderr };
      }
    },
  };
}

/** The commands in the blocks of a page that are marked as `sh`, a line each. */
export function commandsOf(page: string): string[] {
  const blocks = [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map(([, block = '']) => block);
  return blocks.flatMap((block) => block.replaceAll('\\\n', '').trim().split('\n'));
}

/** What is kept for the commands that begin so. */
export function entryFor<T>(entries: Readonly<Record<string, T>>, command: string): T | undefined {
  return Object.entries(entries).find(([prefix]) => command.startsWith(prefix))?.[1];
}

/** A folder with the programs, to be looked for first. */
async function programs(folder: string): Promise<string> {
  const bin = join(folder, 'bin');
  await mkdir(bin);
  const { temporal } = await ensureServers(['temporal'], process.env);
  const scripts = {
    temporal: `exec ${[temporal.command, ...temporal.args].map((part) => `"${part}"`).join(' ')} "$@"`,
    npx: `shift; exec "${process.execPath}" "${MAIN}" "$@"`,
  };
  for (const [name, script] of Object.entries(scripts)) {
    await writeFile(join(bin, name), `#!/bin/sh\n${script}\n`);
    await chmod(join(bin, name), 0o755);
  }
  return bin;
}
