import { fileURLToPath } from 'node:url';

/** The path of a file of the repository, from its path in it. */
export function repositoryFile(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}
