import { watchDisk } from '../measure/disk.ts';
import { startS3Counter, type Traffic } from '../measure/s3-counter.ts';
import type { Archive } from './archive.ts';
import type { Arena } from './arena.ts';
import type { Competitor } from './competitor.ts';
import { type Measurement, measure } from './measure.ts';

/** What can only be measured at the price of time. */
export interface Untimed {
  /** What went over the network, counted by a proxy. */
  readonly traffic: Traffic;
  /** The most that the competitor's files took on the disk (bytes). */
  readonly disk: number;
}

/** Lets a competitor split the archive once, while its requests are counted and its folder is watched. */
export async function measureUntimed(
  arena: Arena,
  competitor: Competitor,
  archive: Archive,
  lanes: number,
): Promise<Untimed & { readonly figures: Measurement }> {
  const { endpoints } = arena.stack;
  const counter = await startS3Counter(endpoints.s3.endpoint);
  let disk = 0;
  const watched = watching(competitor, (most) => {
    disk = most;
  });
  try {
    const counted = { ...endpoints, s3: { ...endpoints.s3, endpoint: counter.endpoint } };
    // Without a rehearsal, which would be counted too.
    const only = { archive, rehearsal: undefined, lanes, endpoints: counted };
    const figures = await measure(arena, watched, only);
    return { traffic: { ...counter.traffic }, disk, figures };
  } finally {
    await counter.close();
  }
}

/** The competitor, with a watch over its folder while it works. */
function watching(competitor: Competitor, tell: (most: number) => void): Competitor {
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
