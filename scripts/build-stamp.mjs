import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What the build is made of, besides src/. */
const INPUTS = ['package-lock.json', 'tsconfig.json', 'tsconfig.build.json', 'scripts/build.mjs'];

/** Whether dist/ was built from the sources as they are now. */
export function buildIsCurrent(root) {
  try {
    return readFileSync(join(root, 'dist', '.stamp'), 'utf8') === sourceStamp(root);
  } catch {
    return false;
  }
}

/** Records in a folder what it was built from, see {@link sourceStamp}. */
export function writeBuildStamp(folder, stamp) {
  writeFileSync(join(folder, '.stamp'), stamp);
}

/** Changes with the name, size or time of any file that the build is made of. */
export function sourceStamp(root) {
  const hash = createHash('sha256');
  for (const file of [...INPUTS, ...filesUnder(root, 'src')]) {
    const { size, mtimeMs } = statSync(join(root, file));
    hash.update(`${file} ${size} ${mtimeMs}\n`);
  }
  return hash.digest('hex');
}

function filesUnder(root, folder) {
  const entries = readdirSync(join(root, folder), { withFileTypes: true });
  return entries
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const path = `${folder}/${entry.name}`;
      return entry.isDirectory() ? filesUnder(root, path) : [path];
    });
}
