#!/usr/bin/env -S node --max-semi-space-size=1 --heap-growing-percent=100
import { Command, CommanderError } from 'commander';
import { readVersions } from '../versions.ts';

interface Entry {
  summary: string;
  /** Commands are loaded when they are called: each brings in much that the others don't need. */
  load: () => Promise<{ command: () => Command }>;
}

const COMMANDS: Record<string, Entry> = {
  demo: {
    summary: 'see the main job done on a sample, from message to checked result',
    load: () => import('./demo.ts'),
  },
  split: {
    summary: 'split an archive into batch zips',
    load: () => import('./split.ts'),
  },
  zip: {
    summary: 'put S3 objects into one archive',
    load: () => import('./zip.ts'),
  },
  route: {
    summary: 'route a file by its size',
    load: () => import('./route.ts'),
  },
  items: {
    summary: 'process a batch of items',
    load: () => import('./items.ts'),
  },
  schedule: {
    summary: 'process a batch of items again and again, at fixed times',
    load: () => import('./schedule.ts'),
  },
  list: {
    summary: 'list runs, those that failed with the reason',
    load: () => import('./list.ts'),
  },
  show: {
    summary: 'show a run: state, progress, result or error',
    load: () => import('./show.ts'),
  },
  watch: {
    summary: 'follow a run until it ends',
    load: () => import('./watch.ts'),
  },
  pause: {
    summary: 'let a batch of items begin nothing more until it is resumed',
    load: async () => (await import('./run-control.ts')).pause,
  },
  resume: {
    summary: 'let a paused batch of items go on',
    load: async () => (await import('./run-control.ts')).resume,
  },
  cancel: {
    summary: 'cancel a run',
    load: async () => (await import('./run-control.ts')).cancel,
  },
  retry: {
    summary: 'run a job again that failed or was stopped; what is done is kept',
    load: () => import('./retry.ts'),
  },
  redrive: {
    summary: 'send the dead letters of a queue back to it',
    load: () => import('./redrive.ts'),
  },
  doctor: {
    summary: 'check Temporal, S3, SQS and the settings, and say what to do',
    load: () => import('./doctor.ts'),
  },
  up: {
    summary: 'run the embedded stack (Temporal, S3, SQS) with worker and starter',
    load: () => import('./up.ts'),
  },
  worker: {
    summary: 'run a worker: it carries out workflows and activities',
    load: () => import('./worker.ts'),
  },
  starter: {
    summary: 'run a starter: it turns SQS messages into workflow runs',
    load: () => import('./starter.ts'),
  },
  health: {
    summary: 'ask a worker or starter whether it is ready',
    load: () => import('./health.ts'),
  },
  provision: {
    summary: 'make the buckets and queues of a local set-up on the S3 and SQS of the environment',
    load: () => import('./provision.ts'),
  },
  env: {
    summary: "print the running embedded stack's settings for a shell",
    load: () => import('./env.ts'),
  },
};

const program = exiting(new Command('sheaf'))
  .description('Durable archive batching for S3, on Temporal.')
  .version(readVersions().sheaf, '-V, --version', 'print the version')
  .showHelpAfterError('(see --help)');

const [first, second] = process.argv.slice(2);
const called = first === 'help' ? second : first;
for (const [name, { summary, load }] of Object.entries(COMMANDS)) {
  const { command } = name === called ? await load() : { command: () => new Command() };
  program.addCommand(exiting(command().name(name).summary(summary)));
}

try {
  await program.parseAsync();
} catch (error) {
  // Commander has said itself what is wrong.
  if (!(error instanceof CommanderError)) {
    console.error(`sheaf: ${error instanceof Error ? error.message : error}`);
    if (process.env.APP_DEBUG === '1') console.error(error);
  }
  const { exitCodeOf } = await import('./exit-codes.ts');
  process.exitCode = exitCodeOf(error);
}

/** A command, and those under it, whose wrong usage is an error that gets our exit code. */
function exiting(command: Command): Command {
  command.exitOverride();
  for (const part of command.commands) exiting(part);
  return command;
}
