import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The package's own folder: `src/local/` and `dist/local/` lie equally deep in it. */
export const PACKAGE_ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** The pinned versions and hashes of the servers, for pip. */
export const REQUIREMENTS_FILE = join(PACKAGE_ROOT, 'tools', 'requirements.txt');

/** Where the servers are installed: `SHEAF_TOOLS_DIR`, or `.tools` in the package's folder. */
export function toolsDir({ SHEAF_TOOLS_DIR }: NodeJS.ProcessEnv): string {
  return resolve(SHEAF_TOOLS_DIR || join(PACKAGE_ROOT, '.tools'));
}

/** Where the stack keeps its data: `SHEAF_DATA_DIR`, or `.sheaf` in the current folder. */
export function dataDir({ SHEAF_DATA_DIR }: NodeJS.ProcessEnv): string {
  return resolve(SHEAF_DATA_DIR || '.sheaf');
}
