import { Command, Option } from 'commander';
import { formatBytes, formatCount } from '../src/cli/format.ts';
import { stopRequests } from '../src/cli/stop-requests.ts';
import { SAMPLE_FORMATS } from '../src/local/sample-export.ts';
import { inArena } from './contest/arena.ts';
import { choose } from './contest/choose.ts';
import { type MemoryFigure, measureMemory, memoryTable } from './contest/memory.ts';
import { addContestOptions, type ContestOptions, count } from './contest/options.ts';
import { publishStandings } from './contest/publish-standings.ts';
import { runRounds } from './contest/rounds.ts';
import { SHEAF_MAIN } from './contest/sheaf.ts';
import { publish } from './report/publish.ts';
import { type Archive, makeArchive, rehearsalOf, type SplitTask } from './split/archive.ts';
import { COMPETITOR_IDS, competitorsFor, SHEAF_IDS } from './split/competitors.ts';
import { splitting } from './split/exercise.ts';
import { PROMISED } from './split/targets.ts';

/** The archive as a file, the same in S3 with its batch zips, and three times more for those who work on disk; with air. */
const DISK_PER_ARCHIVE_BYTE = 8;

interface Options extends ContestOptions, SplitTask {}

/** `bench split`: sheaf against other ways to split the same archive. */
export function command(): Command {
  const split = new Command('split')
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
    .option('--shuffle', 'an archive whose images are in another order than its rows', false)
    .option('--compressible', 'images that gzip makes two to three times smaller', false);
  return addContestOptions(split, {
    ids: COMPETITOR_IDS,
    lanes: 'batch zips at once that (c) and (d) are tried with',
    numbers: [2, 3, 4],
    cold: 'competitors that have not split anything before',
    memory: 'the memory of workers instead, with twice and a tenth of the images',
  }).action((options: Options) => (options.memory ? runMemory(options) : runSplit(options)));
}

async function runSplit(options: Options): Promise<void> {
  const task = taskOf(options, options.images);
  const competitors = await chooseFor(task, options, COMPETITOR_IDS);
  const { first: signal } = stopRequests();
  const { archive, standings } = await inArena(diskFor(task), signal, async (arena) => {
    const archive = await makeArchive(task, arena.folder);
    console.error(`  An archive of ${formatBytes(archive.size)}, from ${SHEAF_MAIN}`);
    const first = options.cold ? undefined : await makeArchive(rehearsalOf(task), arena.folder);
    const exercise = splitting(archive);
    const rehearsal = first && splitting(first);
    const assignments = competitors.map((competitor) => ({ competitor, exercise, rehearsal }));
    return { archive, standings: await runRounds(arena, assignments, options) };
  });

  const name = reportName(task).join('-');
  const subject = describe(task, archive, options);
  const { contentBytes } = archive;
  const promised = PROMISED[task.source];
  await publishStandings({ name, subject, standings, contentBytes, promised, task }, options);
}

async function runMemory(options: Options): Promise<void> {
  const { images } = options;
  const small = taskOf(options, Math.ceil(images / 10));
  const large = taskOf(options, images * 2);
  const competitors = await chooseFor(large, options, SHEAF_IDS);
  const { first: signal } = stopRequests();
  const tasks = [small, large];
  const figures = await inArena(diskFor(large), signal, async (arena) => {
    const figures: MemoryFigure[] = [];
    for (const task of tasks) {
      const archive = await makeArchive(task, arena.folder);
      const exercise = splitting(archive);
      const size = formatBytes(archive.size);
      for (const competitor of competitors) {
        const { title } = competitor;
        figures.push(await measureMemory(arena, { competitor, exercise }, { title, size }));
      }
    }
    return figures;
  });
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

function diskFor({ images, imageBytes }: SplitTask): number {
  return DISK_PER_ARCHIVE_BYTE * images * imageBytes;
}

function chooseFor(task: SplitTask, { only }: Options, usual: readonly string[]) {
  return choose(competitorsFor(task), task.source, only, usual);
}
