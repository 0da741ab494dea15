import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import {
  copyFileSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { guardProcessGroup } from '../../src/local/watchdog.ts';
import { afterwards } from './afterwards.ts';
import { imageConfig } from './dockerfile.ts';

/** What Docker sets where an image doesn't: the home of the image's user `node`. */
const DOCKER_ENV = {
  HOME: '/home/node',
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
};

const WORKDIR = 'app';

/** Where this machine's programs find what they are linked with. */
const LIBRARIES = ['lib', 'lib32', 'lib64', 'usr/lib', 'usr/lib32', 'usr/lib64'];

/**
 * Becomes process 1 of a machine of its own, `$1`, on the image's files in `$2`: read-only, with this
 * machine's libraries, as the user `$3:$4`; what follows is run.
 */
const ENTER = `
  echo "$1" > /proc/sys/kernel/hostname
  mount --make-rprivate /
  mount --bind "$2" "$2"
  for folder in ${LIBRARIES.join(' ')} dev; do
    if [ -d "$2/$folder" ] && ! [ -L "$2/$folder" ]; then mount --rbind "/$folder" "$2/$folder"; fi
  done
  mount -t proc proc "$2/proc"
  mount -o remount,ro,bind "$2"
  root=$2 user=$3 group=$4
  shift 4
  exec unshare --root="$root" --wd=/${WORKDIR} --setgid "$group" --setuid "$user" -- "$@"
`;

const NAMESPACES = ['--mount', '--uts', '--pid', '--fork', '--kill-child'];

/** A machine that our image could run on. */
export interface ContainerHost {
  /** Whether its processes are in namespaces of their own; else they are plain processes. */
  readonly isolates: boolean;
  /** Starts a command line with an environment, as `docker run` does; it ends with the test or file. */
  start(argv: readonly string[], env: Record<string, string>, hostname?: string): Container;
}

/** A process of the image, and what it has started. */
export interface Container {
  /** Resolves with its exit code, or the signal that it ended by. */
  readonly ended: Promise<number | NodeJS.Signals>;
  /** What it has written so far. */
  output(): string;
  /** SIGTERM to its first process. Resolves with the time (ms) that it took to end. */
  stop(): Promise<number>;
}

/** @param root what {@link buildImage} has made. */
export function containerHost(root: string): ContainerHost {
  furnish(root);
  const [user = '', group = ''] = imageConfig().user.split(':');
  const enter = (hostname: string, argv: readonly string[]) => [
    ...NAMESPACES,
    ...['--', 'sh', '-ec', ENTER, 'sh', hostname, root, user, group, ...argv],
  ];
  const isolates = succeeds('unshare', enter('probe', ['node', '--version']));
  return {
    isolates,
    start: (argv, env, hostname = 'container') => {
      const all = { ...DOCKER_ENV, ...imageConfig().env, ...env };
      if (isolates) return container(spawnGroup('unshare', enter(hostname, argv), root, all), true);
      const [program = '', ...args] = argv;
      const command = program === 'node' ? process.execPath : program;
      return container(spawnGroup(command, args, join(root, WORKDIR), all), false);
    },
  };
}

/** Adds what the base image has, and mount points. */
function furnish(root: string): void {
  for (const folder of ['proc', 'tmp', 'dev', 'usr/local/bin']) {
    mkdirSync(join(root, folder), { recursive: true });
  }
  for (const folder of LIBRARIES) {
    const found = lstatSync(`/${folder}`, { throwIfNoEntry: false });
    if (found?.isSymbolicLink()) symlinkSync(readlinkSync(`/${folder}`), join(root, folder));
    else if (found) mkdirSync(join(root, folder), { recursive: true });
  }
  const node = join(root, 'usr/local/bin/node');
  try {
    linkSync(process.execPath, node);
  } catch {
    copyFileSync(process.execPath, node);
  }
}

function succeeds(command: string, args: readonly string[]): boolean {
  try {
    execFileSync(command, args, { stdio: 'ignore', timeout: 30_000 });
    return true;
  } catch {
    return false;
  }
}

function spawnGroup(command: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv) {
  return spawn(command, args, { cwd, env, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
}

function container(child: ChildProcess, isolated: boolean): Container {
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (text) => {
      output += text;
    });
  }
  const release = guardProcessGroup(child.pid ?? 0);
  const ended = new Promise<number | NodeJS.Signals>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => resolve(code ?? signal ?? 0));
  });
  ended.finally(release).catch(() => {});
  afterwards(async () => {
    child.kill('SIGKILL');
    await ended;
  });
  return {
    ended,
    output: () => output,
    stop: async () => {
      const startedAt = Date.now();
      process.kill(isolated ? await onlyChild(child.pid ?? 0) : (child.pid ?? 0), 'SIGTERM');
      await ended;
      return Date.now() - startedAt;
    },
  };
}

/** The process that `unshare` has forked: process 1 inside. */
async function onlyChild(pid: number): Promise<number> {
  for (;;) {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    if (children !== '') return Number(children.split(' ')[0]);
    await sleep(10);
  }
}
