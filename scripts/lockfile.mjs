import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * Whether node_modules/ holds what package-lock.json asks for, by the record that npm keeps of what
 * it has installed. Packages for other platforms need not be there.
 */
export function packagesAreCurrent(root) {
  const installed = readLock(join(root, 'node_modules', '.package-lock.json'));
  const wanted = readLock(join(root, 'package-lock.json'));
  return Object.entries(wanted).every(([path, { version, optional, devOptional }]) => {
    if (path === '') return true;
    return path in installed ? installed[path].version === version : optional || devOptional;
  });
}

function readLock(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8')).packages;
  } catch {
    return {};
  }
}
