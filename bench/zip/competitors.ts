import { type Competitors, choose } from '../contest/choose.ts';
import type { About } from '../contest/competitor.ts';
import type { Exercise } from '../contest/exercise.ts';
import { pythonProgram, typeScriptProgram } from '../contest/program-files.ts';
import { zipping } from './exercise.ts';
import type { ObjectSet, ObjectsJob } from './objects.ts';
import { sheaf } from './service.ts';

/** The variants of sheaf. */
export const SHEAF_IDS = ['a', 'a2'] as const;

/** Every competitor, in the order in which they take turns. */
const COMPETITORS: Competitors<ObjectsJob> = {
  a: async () => sheaf({ id: 'a', title: 'sheaf' }),
  a2: async () => sheaf({ id: 'a2', title: 'sheaf, no checksums' }),
  c: async () => {
    const lanes = 'objects open at once';
    const about = { id: 'c', title: 'careful TypeScript', delivers: true, lanes };
    return typeScriptProgram(about, 'zip-stream.ts');
  },
  d: async () =>
    pythonProgram({ id: 'd', title: 'Python in memory', delivers: true }, 'zip-in-memory.py'),
  e: async () =>
    typeScriptProgram({ id: 'e', title: 'reading, no more', delivers: false }, 'read-objects.ts'),
};

export const COMPETITOR_IDS = Object.keys(COMPETITORS);

/** The one whose objects are uploaded without checksums, so that each CRC-32 has to be found out by reading. */
const WITHOUT_CHECKSUMS = 'a2' satisfies (typeof SHEAF_IDS)[number];

/** What makes a difference here of what was asked for. */
interface Asked {
  /** Whether objects are uploaded with checksums, where the competitor does not say otherwise. */
  readonly checksums: boolean;
  readonly only?: readonly string[];
}

/** The competitors that are asked for, else those of `usual` that are not the same without checksums. */
export function chooseFor({ checksums, only }: Asked, usual: readonly string[] = COMPETITOR_IDS) {
  const differing = usual.filter((id) => checksums || id !== WITHOUT_CHECKSUMS);
  return choose(COMPETITORS, 'zips', only, differing);
}

/** What a competitor does with objects. */
export function exerciseFor(
  { id }: About,
  objects: ObjectSet,
  { checksums }: Asked,
): Exercise<ObjectsJob> {
  return zipping(objects, checksums && id !== WITHOUT_CHECKSUMS);
}
