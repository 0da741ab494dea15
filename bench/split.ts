import { Command, InvalidArgumentError, Option } from 'commander';
import { formatBytes, formatCount } from '../src/cli/format.ts';
import { stopRequests } from '../src/cli/stop-requests.ts';
import { SAMPLE_FORMATS, type SampleFormat } from '../src/local/sample-export.ts';
import { type PublishOptions, publish } from './report/publish.ts';
import { type Archive, makeArchive, rehearsalOf, type SplitTask } from './split/archive.ts';
import { inArena } from './split/arena.ts';
import type { Competitor } from './split/competitor.ts';
import { COMPETITOR_IDS, competitorsFor, SHEAF_IDS } from './split/competitors.ts';
import { measureMemory, memoryTable } from './split/memory.ts';
import { standingsNotes, standingsTable, targetsTable } from './split/report.ts';
import { runRounds } from './split/rounds.ts';
import { SHEAF_MAIN } from './split/sheaf.ts';
import { summarise } from './split/summary.ts';
import { checkTargets } from './split/targets.ts';

interface Options extends PublishOptions {
  readonly source: SampleFormat;
  readonly images: number;
  readonly imageBytes: number;
  readonly batchSize: number;
  readonly rounds: number;
  readonly lanes: readonly number[];
  readonly only?: readonly string[];
  readonly shuffle: boolean;
  readonly compressible: boolean;
  readonly cold: boolean;
  readonly memory?: true;
}

/** `bench split`: sheaf against other ways to split the same archive. */
export function command(): Command {
  return new Command('split')
    .description(
      'Splits the same archive in turn by sheaf (a; a2 and b with other settings, a3 on disk), by ' +
        'careful programs in TypeScript (c) and Python (d), reads it without splitting (e), and for a ' +
        'TAR uploads as many bytes once (u). A fresh embedded stack; the full size takes about twenty ' +
        'minutes and wants a quiet machine.',
    )
    .addOption(
      new Option('--source <format>', 'what the archive is').choices(SAMPLE_FORMATS).default('zip'),
    )
    .option('--images <count>', 'images in the archive', count, 3000)
    .option('--image-bytes <bytes>', 'size of one image', count, 350_000)
    .option('--batch-size <rows>', 'rows a batch zip', count, 1000)
    .option('--rounds <count>', 'times that each competitor is measured', count, 3)
    .option(
      '--lanes <counts>',
      'batch zips at once that (c) and (d) are tried with',
      counts,
      [2, 3, 4],
    )
    .option('--only <ids>', `competitors, of ${COMPETITOR_IDS.join()}`, words)
    .option('--shuffle', 'an archive whose images are in another order than its rows', false)
    .option('--compressible', 'images that gzip makes two to three times smaller', false)
    .option('--cold', 'competitors that have not split anything before', false)
    .option('--memory', 'the memory of workers instead, with twice and a tenth of the images')
    .option('--json <file>', 'where all figures go (default: .sheaf/bench/)')
    .option('--docs', 'put the figures into docs/benchmarks.md')
    .action((options: Options) => (options.memory ? runMemory(options) : runSplit(options)));
}

async function runSplit(options: Options): Promise<void> {
  const task = taskOf(options, options.images);
  const competitors = await choose(task, options.only);
  const { first: signal } = stopRequests();
  const { archive, standings } = await inArena(bytesOf(task), signal, async (arena) => {
    const archive = await makeArchive(task, arena.folder);
    console.error(`  An archive of ${formatBytes(archive.size)}, from ${SHEAF_MAIN}`);
    const rehearsal = options.cold ? undefined : await makeArchive(rehearsalOf(task), arena.folder);
    const { rounds, lanes } = options;
    const standings = await runRounds(arena, competitors, { archive, rehearsal, rounds, lanes });
    return { archive, standings };
  });

  const summaries = summarise(standings, archive.contentBytes);
  const targets = checkTargets(summaries, task.source);
  const tables = [standingsTable(summaries)];
  if (targets.length > 0) tables.push(targetsTable(targets));
  const name = reportName(task).join('-');
  const notes = standingsNotes(summaries);
  const subject = describe(task, archive, options);
  await publish({ name, subject, tables, notes }, { task, summaries, targets, standings }, options);
}

async function runMemory(options: Options): Promise<void> {
  const { images } = options;
  const small = taskOf(options, Math.ceil(images / 10));
  const large = taskOf(options, images * 2);
  const competitors = await choose(large, options.only, SHEAF_IDS);
  const { first: signal } = stopRequests();
  const tasks = [small, large];
  const figures = await inArena(bytesOf(large), signal, (arena) =>
    measureMemory(arena, competitors, tasks),
  );
  const name = [...reportName(large), 'memory'].join('-');
  const subject = 'Each figure from a fresh worker, at its peak (VmHWM)';
  const tables = [memoryTable(figures)];
  await publish({ name, subject, tables, notes: [] }, { tasks, figures }, options);
}

/** The words of a report's name: `split`, and what makes the archive another than the usual one. */
function reportName({ source, compressible }: SplitTask): string[] {
  const format = source === 'zip' ? [] : [source.replace('.', '-')];
  return ['split', ...format, ...(compressible ? ['compressible'] : [])];
}

function describe(task: SplitTask, { size, contentBytes }: Archive, options: Options): string {
  const packed = `${formatBytes(contentBytes)} in a ${task.source.toUpperCase()} of `;
  const facts = [
    formatCount(task.images, 'image'),
    `${task.source === 'zip' ? '' : packed}${formatBytes(size)}`,
    `${formatCount(task.batchSize, 'row')} a batch zip`,
    ...(task.compressible ? ['compressible'] : []),
    ...(task.shuffle ? ['shuffled'] : []),
    ...(options.cold ? ['cold'] : []),
  ];
  return `${facts.join(', ')}; ${formatCount(options.rounds, 'round')}`;
}

function taskOf(options: Options, images: number): SplitTask {
  const { source, imageBytes, batchSize, shuffle, compressible } = options;
  return { source, images, imageBytes, batchSize, shuffle, compressible };
}

function bytesOf({ images, imageBytes }: SplitTask): number {
  return images * imageBytes;
}

/** The competitors that are asked for, else those of `usual`. Throws where one is not for such an archive. */
function choose(
  task: SplitTask,
  only: readonly string[] | undefined,
  usual: readonly string[] = COMPETITOR_IDS,
): Promise<Competitor[]> {
  const competitors = Object.entries(competitorsFor(task));
  const known = competitors.map(([id]) => id);
  const unfit = only?.find((id) => !known.includes(id));
  if (unfit !== undefined) {
    throw new Error(`--only: expected some of ${known.join()} for ${task.source}, got "${unfit}"`);
  }
  const chosen = only ?? usual;
  return Promise.all(competitors.filter(([id]) => chosen.includes(id)).map(([, make]) => make()));
}

function words(text: string): string[] {
  return text.split(',');
}

function counts(text: string): number[] {
  return words(text).map(count);
}

function count(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new InvalidArgumentError('Expected a whole number from 1 up.');
}
