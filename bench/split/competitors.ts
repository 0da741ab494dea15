import { fileURLToPath } from 'node:url';
import { pythonPackages } from '../measure/python-packages.ts';
import type { Competitor } from './competitor.ts';
import { programCompetitor } from './program.ts';
import { sheafCompetitor } from './sheaf.ts';

/** Whose time the ratios are taken to. */
export const BASELINE = 'c';

/** Every competitor, in the order in which they take turns. */
export const COMPETITORS: Record<string, () => Promise<Competitor>> = {
  a: async () => sheafCompetitor({ id: 'a', title: 'sheaf, VERIFY=on' }, { VERIFY: 'on' }),
  a2: async () => sheafCompetitor({ id: 'a2', title: 'sheaf, VERIFY=off' }, { VERIFY: 'off' }),
  b: async () =>
    sheafCompetitor(
      { id: 'b', title: 'sheaf, no range copy' },
      { VERIFY: 'on', RANGE_COPY: 'off' },
    ),
  c: async () =>
    programCompetitor({ id: 'c', title: 'careful TypeScript', splits: true, hasLanes: true }, [
      process.execPath,
      programFile('careful.ts'),
    ]),
  d: async () =>
    programCompetitor(
      { id: 'd', title: 'careful Python', splits: true, hasLanes: true },
      ['python3', programFile('careful.py')],
      { PYTHONPATH: await pythonPackages(process.env) },
    ),
  e: async () =>
    programCompetitor({ id: 'e', title: 'reading, no more', splits: false, hasLanes: false }, [
      process.execPath,
      programFile('read-only.ts'),
    ]),
};

function programFile(name: string): string {
  return fileURLToPath(new URL(`../programs/${name}`, import.meta.url));
}
