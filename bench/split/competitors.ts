import type { Competitors } from '../contest/choose.ts';
import { pythonProgram, typeScriptProgram } from '../contest/program-files.ts';
import type { ArchiveJob, SplitTask } from './archive.ts';
import { sheaf } from './service.ts';

/** The variants of sheaf. */
export const SHEAF_IDS = ['a', 'a2', 'a3', 'b'] as const;

/** Every competitor there is for any archive. */
export const COMPETITOR_IDS = [...SHEAF_IDS, 'c', 'd', 'e', 'u'] as const;

/** What `--lanes` is the number of. */
const LANES = 'batch zips at once';

/** A variant of sheaf: its settings make it. */
interface Variant {
  readonly id: (typeof SHEAF_IDS)[number];
  readonly title: string;
  readonly settings: Readonly<Record<string, string>>;
}

const ON_ZIP: readonly Variant[] = [
  { id: 'a', title: 'sheaf, VERIFY=on', settings: { VERIFY: 'on' } },
  { id: 'a2', title: 'sheaf, VERIFY=off', settings: { VERIFY: 'off' } },
  { id: 'b', title: 'sheaf, no range copy', settings: { VERIFY: 'on', RANGE_COPY: 'off' } },
];

/** Without VERIFY: a TAR's files are all read, and no CRC-32 comes with them. */
const ON_TAR: readonly Variant[] = [
  { id: 'a', title: 'sheaf', settings: { WORKSPACE: 's3' } },
  { id: 'a3', title: 'sheaf, WORKSPACE=disk', settings: { WORKSPACE: 'disk' } },
  { id: 'b', title: 'sheaf, no range copy', settings: { WORKSPACE: 's3', RANGE_COPY: 'off' } },
];

/** The competitors that make sense for a task, in the order in which they take turns. */
export function competitorsFor(task: SplitTask): Competitors<ArchiveJob> {
  const { source, compressible } = task;
  const variants = source === 'zip' ? ON_ZIP : ON_TAR;
  const competitors: Competitors<ArchiveJob> = Object.fromEntries(
    variants.map((variant) => [variant.id, async () => sheaf(variant, variant.settings, task)]),
  );
  const floor = source === 'tar.gz' ? 'inflating, no more' : 'reading, no more';
  Object.assign(competitors, { c: carefulTypeScript, d: carefulPython, e: () => reading(floor) });
  if (source !== 'zip') competitors.u = () => uploading(compressible);
  return competitors;
}

function carefulTypeScript() {
  const about = { id: 'c', title: 'careful TypeScript', delivers: true, lanes: LANES };
  return typeScriptProgram<ArchiveJob>(about, 'careful.ts');
}

function carefulPython() {
  const about = { id: 'd', title: 'careful Python', delivers: true, lanes: LANES };
  return pythonProgram<ArchiveJob>(about, 'careful.py');
}

function reading(title: string) {
  return typeScriptProgram<ArchiveJob>({ id: 'e', title, delivers: false }, 'read-only.ts');
}

function uploading(compressible: boolean) {
  const about = { id: 'u', title: 'uploading, no more', delivers: false };
  const args = compressible ? ['compressible'] : [];
  return typeScriptProgram<ArchiveJob>(about, 'upload-only.ts', ...args);
}
