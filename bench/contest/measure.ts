import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CreateBucketCommand, DeleteBucketCommand } from '@aws-sdk/client-s3';
import type { StackEndpoints } from '../../src/local/endpoints.ts';
import { settleDisk } from '../measure/disk.ts';
import { cpuSeconds, peakMemory } from '../measure/processes.ts';
import { stopwatch, total } from '../measure/stopwatch.ts';
import type { Arena } from './arena.ts';
import type { Account, JobPlace, Standby } from './competitor.ts';
import type { Assignment, Exercise } from './exercise.ts';

/** One measured job. Sizes in bytes; what can't be known on this system is absent. */
export interface Measurement extends Account {
  readonly seconds: number;
  /** Of what was made; 0 for who makes nothing. */
  readonly bytesMade: number;
  /** The most memory that the process which does the work has held, and its helpers. */
  readonly peakMemory: number | undefined;
  readonly peakMemoryOfHelpers: number | undefined;
  /** Processor time (s) of the competitor, and of the S3 server meanwhile. */
  readonly cpuSeconds: number | undefined;
  readonly s3CpuSeconds: number | undefined;
}

export interface MeasureOptions {
  /** As in `Site`. */
  readonly lanes: number;
  /** What the competitor takes for the stack, where not the arena's. */
  readonly endpoints?: StackEndpoints;
}

/**
 * Lets a competitor do its job once and checks all that it has made. Each time everything is new: the
 * bucket (its own volumes on the disk, so that no space of earlier ones is cleaned up meanwhile), what
 * is in it, the competitor's processes and folder. The clock runs while it works, not while it starts
 * or rehearses: a service that has worked before is what is compared.
 */
export async function measure<J extends JobPlace>(
  arena: Arena,
  { competitor, exercise, rehearsal }: Assignment<J>,
  { lanes, endpoints: stack = arena.stack.endpoints }: MeasureOptions,
): Promise<Measurement> {
  const { s3, folder, signal } = arena;
  const workDir = await mkdtemp(join(folder, `${competitor.id}-`));
  return withJob(arena, exercise, workDir, async (job) => {
    const { bucket } = job;
    const standby = await competitor.start({ stack, bucket, workDir, lanes, signal });
    const figures = await timed(arena, standby, workDir, job, rehearsal);
    const bytesMade = competitor.delivers ? await exercise.check(s3, job, signal) : 0;
    return { ...figures, bytesMade };
  }).finally(() => rm(workDir, { recursive: true, force: true }));
}

async function timed<J extends JobPlace>(
  arena: Arena,
  standby: Standby<J>,
  workDir: string,
  job: J,
  rehearsal: Exercise<J> | undefined,
): Promise<Figures> {
  try {
    if (rehearsal) await withJob(arena, rehearsal, workDir, (first) => rehearse(standby, first));
    await settleDisk();
    arena.signal.throwIfAborted();
    return await observe(arena, standby, job);
  } finally {
    await standby.stop();
  }
}

async function rehearse<J>(standby: Standby<J>, job: J): Promise<void> {
  await standby.run(job);
  // Asks for what only a run that has wholly ended can tell: what it cleans up must still be there.
  await standby.account();
}

/** Sets a job in a bucket of its own, beside an empty folder; both are gone in the end. */
async function withJob<J extends JobPlace, T>(
  { s3, signal }: Arena,
  exercise: Exercise<J>,
  parent: string,
  work: (job: J) => Promise<T>,
): Promise<T> {
  const bucket = `bench-${randomBytes(6).toString('hex')}`;
  const workDir = join(parent, bucket);
  await mkdir(workDir);
  await s3.send(new CreateBucketCommand({ Bucket: bucket }));
  try {
    return await work(await exercise.set(s3, { bucket, workDir }, signal));
  } finally {
    // SeaweedFS deletes a bucket's objects with it.
    await s3.send(new DeleteBucketCommand({ Bucket: bucket }));
    await rm(workDir, { recursive: true, force: true });
  }
}

type Figures = Omit<Measurement, 'bytesMade'>;

async function observe<J>(arena: Arena, standby: Standby<J>, job: J): Promise<Figures> {
  const { pid, helpers } = standby;
  const s3Server = arena.stack.servers.s3.pid as number;
  const ownCpu = stopwatch([pid, ...helpers], cpuSeconds);
  const s3Cpu = stopwatch([s3Server], cpuSeconds);
  const startedAt = performance.now();
  await standby.run(job);
  const seconds = (performance.now() - startedAt) / 1000;
  return {
    seconds,
    cpuSeconds: ownCpu(),
    s3CpuSeconds: s3Cpu(),
    peakMemory: peakMemory(pid),
    peakMemoryOfHelpers: total(helpers, peakMemory),
    ...(await standby.account()),
  };
}
