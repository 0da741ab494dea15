import { type Spread, spread } from '../measure/statistics.ts';
import type { Measurement } from './measure.ts';
import type { Standing } from './rounds.ts';

/** Whose time the ratios are taken to. */
export const BASELINE = 'c';

/** A competitor's figures over all rounds. Sizes in bytes. */
export interface Summary {
  readonly id: string;
  readonly title: string;
  readonly seconds: Spread;
  /** The baseline's median over this one's: how many times as fast. Undefined without a baseline. */
  readonly timesBaseline: number | undefined;
  /** Bytes of the content a second. */
  readonly throughput: number;
  /** Medians. */
  readonly bytesMade: number;
  readonly bytesRead: number;
  readonly bytesWritten: number;
  readonly cpuSeconds: number | undefined;
  readonly s3CpuSeconds: number | undefined;
  /** The worst of all rounds. */
  readonly peakMemory: number | undefined;
  readonly peakMemoryOfHelpers: number | undefined;
  readonly firstActivitySeconds: number | undefined;
  /** From the round that isn't timed. */
  readonly disk: number;
  readonly requests: number;
  /** The number of lanes that was chosen, with what they are. */
  readonly lanes: string | undefined;
}

/**
 * Sums up the rounds of each competitor.
 *
 * @param contentBytes of all that ends up in archives, whoever reads or writes it
 */
export function summarise(standings: readonly Standing[], contentBytes: number): Summary[] {
  const baseline = standings.find(({ id }) => id === BASELINE);
  const baselineSeconds = baseline && secondsOf(baseline).median;
  return standings.map((standing) => {
    const { id, title, rounds, traffic, disk, lanes } = standing;
    const seconds = secondsOf(standing);
    const median = (pick: (round: Measurement) => number | undefined) =>
      known(rounds, pick)?.median;
    const worst = (pick: (round: Measurement) => number | undefined) => known(rounds, pick)?.max;
    return {
      id,
      title,
      seconds,
      timesBaseline: baselineSeconds && baselineSeconds / seconds.median,
      throughput: contentBytes / seconds.median,
      bytesMade: median((round) => round.bytesMade) ?? 0,
      bytesRead: median((round) => round.bytesRead) ?? 0,
      bytesWritten: median((round) => round.bytesWritten) ?? 0,
      cpuSeconds: median((round) => round.cpuSeconds),
      s3CpuSeconds: median((round) => round.s3CpuSeconds),
      peakMemory: worst((round) => round.peakMemory),
      peakMemoryOfHelpers: worst((round) => round.peakMemoryOfHelpers),
      disk,
      firstActivitySeconds: worst((round) => round.firstActivitySeconds),
      requests: traffic.requests,
      lanes: lanes && `${lanes.best} ${lanes.what}`,
    };
  });
}

function secondsOf({ rounds }: Standing): Spread {
  return spread(rounds.map(({ seconds }) => seconds));
}

function known(
  rounds: readonly Measurement[],
  pick: (round: Measurement) => number | undefined,
): Spread | undefined {
  const values = rounds.map(pick).filter((value) => value !== undefined);
  return values.length > 0 ? spread(values) : undefined;
}
