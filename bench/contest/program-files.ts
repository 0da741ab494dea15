import { fileURLToPath } from 'node:url';
import { pythonPackages } from '../measure/python-packages.ts';
import type { Competitor, JobPlace } from './competitor.ts';
import { programCompetitor } from './program.ts';

type Program<J> = Omit<Competitor<J>, 'start'>;

/** A competitor that is a file of bench/programs in TypeScript. */
export async function typeScriptProgram<J extends JobPlace>(
  about: Program<J>,
  file: string,
  ...args: readonly string[]
): Promise<Competitor<J>> {
  return programCompetitor(about, [process.execPath, pathOf(file), ...args]);
}

/** A competitor that is a file of bench/programs in Python. */
export async function pythonProgram<J extends JobPlace>(
  about: Program<J>,
  file: string,
): Promise<Competitor<J>> {
  return programCompetitor(about, ['python3', pathOf(file)], {
    PYTHONPATH: await pythonPackages(process.env),
    // What one file imports of another is not to leave anything in the sources' folder.
    PYTHONDONTWRITEBYTECODE: '1',
  });
}

function pathOf(file: string): string {
  return fileURLToPath(new URL(`../programs/${file}`, import.meta.url));
}
