import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { installedServersDir, installServers } from './install.ts';

/** How to start one server: a command, the arguments that come first, and what its environment needs. */
export interface Program {
  command: string;
  args: string[];
  env: Record<string, string>;
  /** Where it was found, as a person would say it: `TEMPORAL_CLI_PATH`, `PATH` or the tools folder. */
  origin: string;
}

const SERVERS = {
  temporal: { variable: 'TEMPORAL_CLI_PATH', executable: 'temporal' },
  testServer: { variable: 'TEMPORAL_TEST_SERVER_PATH', executable: 'temporal-test-server' },
  seaweedfs: { variable: 'SEAWEEDFS_PATH', executable: 'weed' },
  ministack: { variable: 'MINISTACK_PATH', executable: 'ministack' },
} as const;

export type ServerName = keyof typeof SERVERS;

/** All servers that the embedded stack and the tests are made of. */
export const SERVER_NAMES = Object.keys(SERVERS) as ServerName[];

/**
 * Finds a server's program: first what its environment variable names, then `PATH`, then the
 * tools folder, if what is installed there is what this version of sheaf pins.
 *
 * @returns undefined where it is in none of the three.
 * @throws if the environment variable names something that can't be run.
 */
export function locateServer(name: ServerName, env: NodeJS.ProcessEnv): Program | undefined {
  const { variable, executable } = SERVERS[name];
  const named = env[variable];
  if (named) {
    if (!isExecutable(named)) {
      throw new Error(
        `${variable} is ${JSON.stringify(named)}, which is not an executable file: ` +
          `let it name the ${executable} program, or unset it.`,
      );
    }
    return { command: named, args: [], env: {}, origin: variable };
  }
  for (const folder of (env.PATH ?? '').split(delimiter).filter(Boolean)) {
    const command = join(folder, executable);
    if (isExecutable(command)) return { command, args: [], env: {}, origin: 'PATH' };
  }
  const dir = installedServersDir(env);
  return dir === undefined ? undefined : installedProgram(dir, name);
}

/**
 * Finds the servers' programs as {@link locateServer} does, and installs the pinned ones first
 * where one is found nowhere.
 *
 * @param report told, in a line, that something is being installed.
 */
export async function ensureServers<Name extends ServerName>(
  names: readonly Name[],
  env: NodeJS.ProcessEnv,
  report: (line: string) => void = () => {},
): Promise<Record<Name, Program>> {
  if (names.some((name) => locateServer(name, env) === undefined)) {
    report('Installing the servers (once)');
    await installServers(env);
  }
  const found: Partial<Record<Name, Program>> = {};
  for (const name of names) {
    const program = locateServer(name, env);
    if (program === undefined) {
      throw new Error(
        `The packages of the servers hold no \`${SERVERS[name].executable}\` program: ` +
          `set ${SERVERS[name].variable} to one.`,
      );
    }
    found[name] = program;
  }
  return found as Record<Name, Program>;
}

function installedProgram(dir: string, name: ServerName): Program | undefined {
  if (name === 'ministack') {
    // The script that pip writes for it does not know of the folder that its packages are in.
    const env = { PYTHONPATH: dir };
    return { command: 'python3', args: ['-m', 'ministack'], env, origin: dir };
  }
  const command = join(dir, 'bin', SERVERS[name].executable);
  return isExecutable(command) ? { command, args: [], env: {}, origin: dir } : undefined;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
