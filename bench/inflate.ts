import { createGunzip } from 'node:zlib';
import { Command } from 'commander';
import { Gunzip, type GunzipCheckpoint } from '../src/archive/gunzip.ts';
import { formatBytes } from '../src/cli/format.ts';
import { sampleExport } from '../src/local/sample-export.ts';
import { spread } from './measure/statistics.ts';
import { type PublishOptions, publish } from './report/publish.ts';

const MIB = 1024 * 1024;

/** Pieces in which the compressed stream comes, as from S3, and output comes from `createGunzip`. */
const INPUT_BYTES = 4 * MIB;
const OUTPUT_BYTES = MIB;

/** Never reached: no checkpoints. */
const NO_CHECKPOINTS = Number.MAX_SAFE_INTEGER;

/** Ways to inflate the same bytes; the first is what the others are held against. */
const WAYS: Record<string, (archive: Buffer) => AsyncIterable<Buffer>> = {
  "Node's createGunzip": (archive) => {
    const gunzip = createGunzip({ chunkSize: OUTPUT_BYTES });
    for (const piece of pieces(archive)) gunzip.write(piece);
    gunzip.end();
    return gunzip;
  },
  'without checkpoints': (archive) =>
    new Gunzip(fromMemory(archive), { checkpointBytes: NO_CHECKPOINTS }),
  'with checkpoints': (archive) => new Gunzip(fromMemory(archive)),
};

/** `bench inflate`: what it costs that a TAR.GZ can be taken up again in the middle. */
export function command(): Command {
  return new Command('inflate')
    .description('Inflates a TAR.GZ in memory, with and without checkpoints, and goes on from one.')
    .option('--images <count>', 'images in the archive, of 350 KB each', Number, 900)
    .option('--rounds <count>', 'times that each way is measured', Number, 9)
    .option('--json <file>', 'where all figures go (default: .sheaf/bench/)')
    .option('--docs', 'put the figures into docs/benchmarks.md')
    .action(run);
}

async function run(options: PublishOptions & { images: number; rounds: number }): Promise<void> {
  const rows: string[][] = [['processor time', 'incompressible', 'compressible']];
  const figures = [await measure(options, false), await measure(options, true)];
  for (const way of Object.keys(WAYS)) {
    rows.push([way, ...figures.map(({ cpu }) => `${seconds(cpu[way] ?? [])} s`)]);
  }
  rows.push(['checkpoints made', ...figures.map(({ checkpoints }) => String(checkpoints))]);
  rows.push([
    'from a checkpoint to the first byte',
    ...figures.map((one) => `${milliseconds(one.restart)} ms`),
  ]);
  const subject = `${options.images} images of 350 KB in a TAR.GZ of ${figures.map(({ size }) => formatBytes(size)).join(' or ')}, in memory; least of ${options.rounds} rounds, all threads`;
  await publish({ name: 'inflate', subject, tables: [rows], notes: [] }, { figures }, options);
}

async function measure(
  { images, rounds }: { images: number; rounds: number },
  compressible: boolean,
) {
  const sample = sampleExport({
    rows: images,
    imageBytes: 350_000,
    seed: 1,
    format: 'tar.gz',
    compressible,
  });
  const archive = Buffer.concat(await Array.fromAsync(sample.chunks()));
  const cpu: Record<string, number[]> = {};
  for (let round = 0; round < rounds; round++) {
    for (const [way, inflate] of Object.entries(WAYS)) {
      const before = process.cpuUsage();
      for await (const _ of inflate(archive));
      const { user, system } = process.cpuUsage(before);
      cpu[way] = [...(cpu[way] ?? []), (user + system) / 1e6];
    }
  }
  const made = await checkpointsOf(archive);
  return {
    size: archive.length,
    cpu,
    checkpoints: made.length,
    restart: await restarts(archive, made),
  };
}

/** Every checkpoint of an archive, asked for as its output comes. */
async function checkpointsOf(archive: Buffer): Promise<GunzipCheckpoint[]> {
  const made = new Map<number, GunzipCheckpoint>();
  const gunzip = new Gunzip(fromMemory(archive));
  for await (const _ of gunzip) {
    const checkpoint = gunzip.checkpointBefore(gunzip.outputOffset);
    if (checkpoint) made.set(checkpoint.outputOffset, checkpoint);
  }
  return [...made.values()];
}

/** Milliseconds from each checkpoint to the first chunk that inflating from there gives. */
async function restarts(
  archive: Buffer,
  checkpoints: readonly GunzipCheckpoint[],
): Promise<number[]> {
  const times: number[] = [];
  for (const from of checkpoints) {
    const started = performance.now();
    const chunks = new Gunzip(fromMemory(archive, from.inputOffset), { from })[
      Symbol.asyncIterator
    ]();
    await chunks.next();
    times.push(performance.now() - started);
    await chunks.return?.();
  }
  return times;
}

function* pieces(archive: Buffer, start = 0): Generator<Buffer> {
  for (let at = start; at < archive.length; at += INPUT_BYTES) {
    yield archive.subarray(at, at + INPUT_BYTES);
  }
}

async function* fromMemory(archive: Buffer, start = 0): AsyncGenerator<Buffer> {
  yield* pieces(archive, start);
}

/** What else the machine does only adds to processor time. */
function seconds(values: readonly number[]): string {
  return spread(values).min.toFixed(2);
}

function milliseconds(values: readonly number[]): string {
  return spread(values).median.toFixed(1);
}
