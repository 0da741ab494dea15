import { type ChildProcess, spawn } from 'node:child_process';

/**
 * Waits for the end of its input, which comes however the parent ends, by SIGKILL too. Each line
 * of input replaces the list of process groups; what is on the last one is then ended.
 */
const SCRIPT = `
while read -r line; do groups=$line; done
signal() { for group in $groups; do kill -s "$1" -- "-$group" 2>/dev/null; done; }
alive() { for group in $groups; do kill -s 0 -- "-$group" 2>/dev/null && return 0; done; return 1; }
signal TERM
seconds=0
while alive && [ $seconds -lt 10 ]; do sleep 1; seconds=$((seconds + 1)); done
signal KILL
`;

const groups = new Set<number>();
let watchdog: ChildProcess | undefined;

/**
 * Sees to it that a process group doesn't outlive this process, however this process ends: it
 * then gets SIGTERM, and SIGKILL 10 s later. One small shell watches over all groups.
 *
 * @param group the id of a process group: the pid of a child that was spawned detached.
 * @returns ends the watch; to be called once the group is gone.
 */
export function guardProcessGroup(group: number): () => void {
  groups.add(group);
  tellWatchdog();
  return () => {
    if (groups.delete(group)) tellWatchdog();
  };
}

function tellWatchdog(): void {
  watchdog ??= startWatchdog();
  watchdog.stdin?.write(`${[...groups].join(' ')}\n`);
  if (groups.size === 0) {
    watchdog.stdin?.end();
    watchdog = undefined;
  }
}

function startWatchdog(): ChildProcess {
  // Detached, or Ctrl-C in a terminal would end it too.
  const child = spawn('/bin/sh', ['-c', SCRIPT, `sheaf-watchdog of ${process.pid}`], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.on('error', () => {});
  child.stdin.on('error', () => {});
  child.unref();
  (child.stdin as typeof child.stdin & { unref?: () => void }).unref?.();
  return child;
}
