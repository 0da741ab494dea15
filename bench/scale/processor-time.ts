import { watchCores } from '../measure/cores.ts';
import { cpuSeconds } from '../measure/processes.ts';
import { stopwatch } from '../measure/stopwatch.ts';
import type { Service } from './service.ts';

/** Who takes processor time, in the order of the tables; the rest is the kernel's, and of whatever else runs. */
export const TAKERS = ['workers', 'starters', 'Temporal', 'S3', 'SQS', 'bench', 'rest'] as const;

export type Taker = (typeof TAKERS)[number];

/** Who took how much of the processors' time. */
export interface ProcessorTime {
  /** By process, or processes of a kind (s); undefined where it can't be known on this system. */
  readonly seconds: Readonly<Record<Taker, number | undefined>>;
  /** The share of the cores' time that they were busy, from 0 to 1. */
  readonly busy: number;
  /** The share of the cores' time that the rest has taken. */
  readonly rest: number;
}

/** Watches the processes of a service and its stack; what it returns tells what they have taken since. */
export function watchProcessors({ arena, workers, starters }: Service): () => ProcessorTime {
  const { temporal, s3, sqs } = arena.stack.servers;
  const watch = (processes: readonly { readonly pid: number | undefined }[]) =>
    stopwatch(
      processes.flatMap(({ pid }) => pid ?? []),
      cpuSeconds,
    );
  const watches = {
    workers: watch(workers),
    starters: watch(starters),
    Temporal: watch([temporal]),
    S3: watch([s3]),
    SQS: watch([sqs]),
  };
  const own = process.cpuUsage();
  const cores = watchCores();
  return () => {
    const { user, system } = process.cpuUsage(own);
    const { busy, idle } = cores();
    const ours = {
      workers: watches.workers(),
      starters: watches.starters(),
      Temporal: watches.Temporal(),
      S3: watches.S3(),
      SQS: watches.SQS(),
      bench: (user + system) / 1e6,
    };
    const taken = Object.values(ours).reduce((sum: number, each) => sum + (each ?? 0), 0);
    const rest = Math.max(0, busy - taken);
    return {
      seconds: { ...ours, rest },
      busy: busy / (busy + idle),
      rest: rest / (busy + idle),
    };
  };
}
