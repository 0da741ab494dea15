import { beforeAll } from 'vitest';

/** Cases that are made ready at once: the first object of a bucket is waited for, and nothing else. */
const READYING = 16;

/** Runs under way: they wait for their servers together, and none for so long that its test ends before. */
const RUNNING = 5;

/**
 * Has the runs of a file wait at the same time. Before its first test each case is made ready; from then
 * on they run, a few at once and in order. Gives what a test calls to wait for its case: it fails as
 * the case did.
 *
 * @param ready makes what a case needs that has to be cleared away, which only a hook can keep until all have run
 * @param run runs a case, and asserts what should come of it
 */
export function runsAtOnce<Case, Ready>(
  cases: readonly Case[],
  ready: (made: Case) => Promise<Ready>,
  run: (ready: Ready, made: Case) => Promise<void>,
): (made: Case) => Promise<void> {
  const ends = new Map(cases.map((made) => [made, Promise.withResolvers<void>()]));
  beforeAll(async () => {
    const made: [Case, Ready][] = [];
    await inLanes(READYING, cases.entries(), async ([index, one]) => {
      made[index] = [one, await ready(one)];
    });
    void inLanes(RUNNING, made.values(), async ([one, its]) => {
      const end = ends.get(one);
      // Whether anybody waits for it yet or not.
      end?.promise.catch(() => {});
      await run(its, one).then(end?.resolve, end?.reject);
    });
  });
  return async (made) => {
    const end = ends.get(made);
    if (!end) throw new Error('This case is not among those that are run');
    await end.promise;
  };
}

async function inLanes<Item>(
  count: number,
  items: Iterator<Item> & Iterable<Item>,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const lane = async () => {
    for (const item of items) await work(item);
  };
  await Promise.all(Array.from({ length: count }, lane));
}
