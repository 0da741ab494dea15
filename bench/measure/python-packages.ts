import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { toolsDir } from '../../src/local/paths.ts';

const REQUIREMENTS = fileURLToPath(new URL('../requirements.txt', import.meta.url));

/**
 * The folder with the Python packages that the bench pins, for `PYTHONPATH`. Installs them with pip
 * where they are not there yet: wheels only, each checked against its hash; its name changes with the
 * pins, and it is renamed into place, so that half an installation is never taken for a whole one.
 */
export async function pythonPackages(env: NodeJS.ProcessEnv): Promise<string> {
  const pins = createHash('sha256').update(await readFile(REQUIREMENTS));
  const parent = join(toolsDir(env), 'bench');
  const folder = join(parent, `python-${pins.digest('hex').slice(0, 12)}`);
  if (existsSync(folder)) return folder;
  await mkdir(parent, { recursive: true });
  const staging = await mkdtemp(join(parent, '.installing-'));
  try {
    const args = ['-m', 'pip', 'install', '--quiet', '--no-input', '--disable-pip-version-check'];
    args.push('--only-binary=:all:', '--require-hashes', '--target', staging, '-r', REQUIREMENTS);
    // A user's `--user` setting can't be combined with `--target`.
    await promisify(execFile)('python3', args, { env: { ...env, PIP_USER: '0' } });
    await rename(staging, folder);
  } catch (error) {
    if (!existsSync(folder)) {
      const { message } = error as Error;
      throw new Error(
        `boto3 can't be installed: ${message}\nLeave the Python competitor (d) out with --only`,
        { cause: error },
      );
    }
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  return folder;
}
