import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { REQUIREMENTS_FILE, toolsDir } from './paths.ts';

const run = promisify(execFile);

/** Names what an installed folder holds: written into it before it gets its final name. */
const STAMP_FILE = '.sheaf-stamp';

const STAGING_PREFIX = '.installing-';
/** No install takes this long, on whatever network. */
const ABANDONED_MS = 3_600_000;

/** The oldest Python that MiniStack runs on. */
const MIN_PYTHON = [3, 10] as const;

const OWN_SERVERS =
  'or name servers of your own with TEMPORAL_CLI_PATH, SEAWEEDFS_PATH and MINISTACK_PATH';

/**
 * The folder with the servers that this version of sheaf pins (programs in its `bin/`), or
 * undefined if they are not, or not all of them, installed.
 */
export function installedServersDir(env: NodeJS.ProcessEnv): string | undefined {
  const dir = join(toolsDir(env), 'python');
  return readStamp(dir) === expectedStamp() ? dir : undefined;
}

/**
 * Installs the pinned servers into the tools folder with pip, every file checked against its
 * hash. They are installed aside and then renamed into place, so that an interrupted install
 * leaves nothing behind that looks whole, and two processes may do this at once.
 *
 * @throws if Python or pip is missing or too old, or pip fails: the message has pip's last lines.
 */
export async function installServers(env: NodeJS.ProcessEnv): Promise<void> {
  if (installedServersDir(env) !== undefined) return;
  await checkPython(env);
  const tools = toolsDir(env);
  await mkdir(tools, { recursive: true });
  await sweep(tools);
  const staging = await mkdtemp(join(tools, STAGING_PREFIX));
  try {
    await pipInstall(staging, env);
    await writeFile(join(staging, STAMP_FILE), expectedStamp());
    await moveIntoPlace(staging, join(tools, 'python'));
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function checkPython(env: NodeJS.ProcessEnv): Promise<void> {
  const probe = 'import sys; print(*sys.version_info[:2]); import pip';
  const advice = `Install Python ${MIN_PYTHON.join('.')} or newer with pip (on Debian or Ubuntu: apt-get install python3-pip), ${OWN_SERVERS}.`;
  let version: string;
  try {
    ({ stdout: version } = await run('python3', ['-c', probe], { env }));
  } catch (error) {
    const absent = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const what = absent ? 'there is no `python3` on PATH' : '`python3` has no pip';
    throw new Error(`The servers can't be installed: ${what}. ${advice}`, { cause: error });
  }
  const [major = 0, minor = 0] = version.split(' ').map(Number);
  if (major < MIN_PYTHON[0] || (major === MIN_PYTHON[0] && minor < MIN_PYTHON[1])) {
    throw new Error(
      `The servers can't be installed: \`python3\` is Python ${major}.${minor}. ${advice}`,
    );
  }
}

async function pipInstall(target: string, env: NodeJS.ProcessEnv): Promise<void> {
  const args = ['-m', 'pip', 'install', '--quiet', '--no-input', '--no-compile'];
  // Wheels only: building a package from source would run code that no hash pins.
  args.push('--only-binary=:all:', '--require-hashes', '--disable-pip-version-check');
  args.push('--no-warn-script-location', '--target', target, '-r', REQUIREMENTS_FILE);
  try {
    // A user's `--user` setting can't be combined with `--target`.
    await run('python3', args, { env: { ...env, PIP_USER: '0', PIP_REQUIRE_VIRTUALENV: '0' } });
  } catch (error) {
    const said = String((error as { stderr?: unknown }).stderr ?? error);
    const tail = said.trim().split('\n').slice(-8).join('\n  ');
    throw new Error(
      `The servers can't be installed: pip failed.\n  ${tail}\n` +
        `See whether this machine reaches PyPI (pip's own settings for proxies and mirrors are used), ${OWN_SERVERS}.`,
      { cause: error },
    );
  }
}

/** Swaps an install in by renaming, so that its folder is there and whole at almost any moment. */
async function moveIntoPlace(staging: string, dir: string): Promise<void> {
  // mkdtemp makes folders that only their owner may enter.
  await chmod(staging, 0o755);
  const replaced = `${staging}-replaced`;
  if (existsSync(dir) && readStamp(dir) !== expectedStamp()) await rename(dir, replaced);
  try {
    await rename(staging, dir);
  } catch (error) {
    // Another process put the same thing there in the meantime.
    if (readStamp(dir) !== expectedStamp()) throw error;
  }
  await rm(replaced, { recursive: true, force: true });
}

/** Removes what installs left behind that were interrupted. */
async function sweep(tools: string): Promise<void> {
  for (const name of await readdir(tools)) {
    if (!name.startsWith(STAGING_PREFIX)) continue;
    const path = join(tools, name);
    const since = statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
    if (Date.now() - since > ABANDONED_MS) await rm(path, { recursive: true, force: true });
  }
}

function readStamp(dir: string): string | undefined {
  try {
    return readFileSync(join(dir, STAMP_FILE), 'utf8');
  } catch {
    return undefined;
  }
}

/** Wheels differ by platform: a folder that two machines share is not mistaken for one's own. */
function expectedStamp(): string {
  const pins = createHash('sha256').update(readFileSync(REQUIREMENTS_FILE)).digest('hex');
  return `${process.platform}-${process.arch} ${pins}\n`;
}
