import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { afterwards } from './afterwards.ts';

const real = fs.statfs;

/** Has disks say other things of themselves until the test ends: a full one is not to be had. */
export function disksSay(stats: object): void {
  const said = async (path: string) => ({ ...(await real(path)), ...stats });
  put(said as typeof real);
  afterwards(async () => put(real));
}

function put(statfs: typeof real): void {
  fs.statfs = statfs;
  // What has imported it by its name calls this one from now on.
  syncBuiltinESMExports();
}
