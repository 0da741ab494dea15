/**
 * `check`: ends with code 0 if the embedded stack's servers are all there, else 1.
 * `install`: installs them where one is missing.
 */
import { ensureServers, locateServer, SERVER_NAMES } from '../src/local/locate.ts';

const isThere = (name) => locateServer(name, process.env) !== undefined;

try {
  if (process.argv[2] === 'install') await ensureServers(SERVER_NAMES, process.env);
  else if (!SERVER_NAMES.every(isThere)) process.exitCode = 1;
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
