import { cpus } from 'node:os';

/** What all cores together have done. Times in s. */
export interface CoreTime {
  readonly busy: number;
  readonly idle: number;
}

/** Watches the machine's cores, whoever works on them; what it returns tells what they have done since. */
export function watchCores(): () => CoreTime {
  const before = readCores();
  return () => {
    const after = readCores();
    return { busy: after.busy - before.busy, idle: after.idle - before.idle };
  };
}

/** Since the machine has started. */
function readCores(): CoreTime {
  let [busy, idle] = [0, 0];
  for (const { times } of cpus()) {
    idle += times.idle;
    for (const ms of Object.values({ ...times, idle: 0 })) busy += ms;
  }
  return { busy: busy / 1000, idle: idle / 1000 };
}
