import { fileURLToPath } from 'node:url';
import { pythonPackages } from '../measure/python-packages.ts';
import type { SplitTask } from './archive.ts';
import type { Competitor } from './competitor.ts';
import { programCompetitor } from './program.ts';
import { sheafCompetitor } from './sheaf.ts';

/** Whose time the ratios are taken to. */
export const BASELINE = 'c';

/** The variants of sheaf. */
export const SHEAF_IDS = ['a', 'a2', 'a3', 'b'] as const;

/** Every competitor there is for any archive. */
export const COMPETITOR_IDS = [...SHEAF_IDS, 'c', 'd', 'e', 'u'] as const;

type Competitors = Record<string, () => Promise<Competitor>>;

/** The competitors that make sense for a task, in the order in which they take turns. */
export function competitorsFor({ source, compressible }: SplitTask): Competitors {
  const floor = source === 'tar.gz' ? 'inflating, no more' : 'reading, no more';
  const peers: Competitors = { c: carefulTypeScript, d: carefulPython, e: () => reading(floor) };
  if (source === 'zip') return { ...ON_ZIP, ...peers };
  return { ...ON_TAR, ...peers, u: () => uploading(compressible) };
}

const ON_ZIP: Competitors = {
  a: async () => sheafCompetitor({ id: 'a', title: 'sheaf, VERIFY=on' }, { VERIFY: 'on' }),
  a2: async () => sheafCompetitor({ id: 'a2', title: 'sheaf, VERIFY=off' }, { VERIFY: 'off' }),
  b: async () =>
    sheafCompetitor(
      { id: 'b', title: 'sheaf, no range copy' },
      { VERIFY: 'on', RANGE_COPY: 'off' },
    ),
};

/** Without VERIFY: a TAR's files are all read, and no CRC-32 comes with them. */
const ON_TAR: Competitors = {
  a: async () => sheafCompetitor({ id: 'a', title: 'sheaf' }, { WORKSPACE: 's3' }),
  a3: async () =>
    sheafCompetitor({ id: 'a3', title: 'sheaf, WORKSPACE=disk' }, { WORKSPACE: 'disk' }),
  b: async () =>
    sheafCompetitor(
      { id: 'b', title: 'sheaf, no range copy' },
      { WORKSPACE: 's3', RANGE_COPY: 'off' },
    ),
};

async function carefulTypeScript(): Promise<Competitor> {
  return programCompetitor({ id: 'c', title: 'careful TypeScript', splits: true, hasLanes: true }, [
    process.execPath,
    programFile('careful.ts'),
  ]);
}

async function carefulPython(): Promise<Competitor> {
  return programCompetitor(
    { id: 'd', title: 'careful Python', splits: true, hasLanes: true },
    ['python3', programFile('careful.py')],
    { PYTHONPATH: await pythonPackages(process.env) },
  );
}

async function reading(title: string): Promise<Competitor> {
  return programCompetitor({ id: 'e', title, splits: false, hasLanes: false }, [
    process.execPath,
    programFile('read-only.ts'),
  ]);
}

async function uploading(compressible: boolean): Promise<Competitor> {
  return programCompetitor(
    { id: 'u', title: 'uploading, no more', splits: false, hasLanes: false },
    [process.execPath, programFile('upload-only.ts'), ...(compressible ? ['compressible'] : [])],
  );
}

function programFile(name: string): string {
  return fileURLToPath(new URL(`../programs/${name}`, import.meta.url));
}
