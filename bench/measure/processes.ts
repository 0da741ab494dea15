import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks a second in /proc, `sysconf(_SC_CLK_TCK)`: 100 on every Linux that Node runs on. */
const TICKS_A_SECOND = 100;

/**
 * The most memory that a process and its children have held, each at its own peak (VmHWM, proc(5)),
 * in bytes. Undefined where there is no /proc.
 */
export function peakMemory(pid: number): number | undefined {
  return sumOver(pid, (id) => {
    const status = readFileSync(`/proc/${id}/status`, 'utf8');
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
  });
}

/** Processor time (s) that a process and its children have used so far. Undefined where there is no /proc. */
export function cpuSeconds(pid: number): number | undefined {
  const ticks = sumOver(pid, (id) => {
    // utime, stime and those of children that have ended: fields 14 to 17, proc(5).
    const times = statFields(id).slice(11, 15);
    return times.reduce((sum, field) => sum + Number(field), 0);
  });
  return ticks === undefined ? undefined : ticks / TICKS_A_SECOND;
}

function sumOver(pid: number, measure: (pid: number) => number): number | undefined {
  try {
    const ids = [pid, ...descendants(pid)];
    return ids.reduce((sum, id) => sum + measure(id), 0);
  } catch {
    return undefined;
  }
}

function descendants(pid: number): number[] {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      parents.set(Number(name), Number(statFields(Number(name))[1]));
    } catch {
      // It has ended since the folder was listed.
    }
  }
  const childrenOf = (parent: number): number[] =>
    [...parents].filter(([, its]) => its === parent).flatMap(([id]) => [id, ...childrenOf(id)]);
  return childrenOf(pid);
}

/** The fields of /proc/<pid>/stat from the third, the state: the name before it may hold anything. */
function statFields(pid: number): string[] {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
}
