import { watchDisk } from '../measure/disk.ts';
import { startS3Counter, type Traffic } from '../measure/s3-counter.ts';
import type { Arena } from './arena.ts';
import type { Competitor, JobPlace } from './competitor.ts';
import type { Assignment } from './exercise.ts';
import { type Measurement, measure } from './measure.ts';

/** What can only be measured at the price of time. */
export interface Untimed {
  /** What went over the network, counted by a proxy. */
  readonly traffic: Traffic;
  /** The most that the competitor's files took on the disk (bytes). */
  readonly disk: number;
}

/** Lets a competitor do its job once, while its requests are counted and its folder is watched. */
export async function measureUntimed<J extends JobPlace>(
  arena: Arena,
  assignment: Assignment<J>,
  lanes: number,
): Promise<Untimed & { readonly figures: Measurement }> {
  const { endpoints } = arena.stack;
  const counter = await startS3Counter(endpoints.s3.endpoint);
  let disk = 0;
  const competitor = watching(assignment.competitor, (most) => {
    disk = most;
  });
  try {
    const counted = { ...endpoints, s3: { ...endpoints.s3, endpoint: counter.endpoint } };
    // Without a rehearsal, which would be counted too.
    const watched = { ...assignment, competitor, rehearsal: undefined };
    const figures = await measure(arena, watched, { lanes, endpoints: counted });
    return { traffic: { ...counter.traffic }, disk, figures };
  } finally {
    await counter.close();
  }
}

/** The competitor, with a watch over its folder while it works. */
function watching<J>(competitor: Competitor<J>, tell: (most: number) => void): Competitor<J> {
  return {
    ...competitor,
    start: async (site) => {
      const standby = await competitor.start(site);
      return {
        ...standby,
        run: async (job) => {
          const stop = watchDisk(site.workDir);
          await standby.run(job).finally(async () => tell(await stop()));
        },
      };
    },
  };
}
