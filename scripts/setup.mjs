/**
 * Makes a clone ready to run: npm packages, the servers of the embedded stack and, with `--build`,
 * dist/. What is up to date is left alone, without a word.
 *
 * npm scripts begin with it, on whatever Node the machine has: plain JavaScript without packages,
 * for Node 18 and newer. What follows it in a script runs on the Node that npm installs here, and
 * so is called by its own name or through `env`: the shell remembers where it found `node`.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { buildIsCurrent } from './build-stamp.mjs';
import { packagesAreCurrent } from './lockfile.mjs';
import { ROOT, run, StepError, step } from './step.mjs';

/** The first version that runs TypeScript files as they are. */
const MIN_NODE = [22, 18];

try {
  await setUp({ build: process.argv.includes('--build') });
} catch (error) {
  console.error(error instanceof StepError ? `\n${error.message}` : error);
  process.exitCode = 1;
}

async function setUp({ build }) {
  if (!packagesAreCurrent(ROOT)) await step('npm packages', installPackages);
  const node = nodeForScripts();
  const steps = [installServers(node)];
  if (build && !buildIsCurrent(ROOT)) {
    steps.push(step('build', () => run(node, ['scripts/build.mjs'], 'The build failed.')));
  }
  const failed = (await Promise.allSettled(steps)).find(({ status }) => status === 'rejected');
  if (failed) throw failed.reason;
}

function installPackages() {
  // The npm that runs us, where it is one: PATH may have another.
  const { npm_execpath: self = '' } = process.env;
  const npm = self.endsWith('npm-cli.js') ? [process.execPath, self] : ['npm'];
  const args = ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund'];
  return run(
    npm[0],
    [...npm.slice(1), ...args, '--loglevel=error'],
    'npm could not install the packages: see whether this machine reaches the npm registry, then try again.',
  );
}

async function installServers(node) {
  const check = spawnSync(node, ['scripts/servers.mjs', 'check'], { cwd: ROOT });
  if (check.status === 0) return;
  await step('servers', () => run(node, ['scripts/servers.mjs', 'install'], ''));
}

/** The Node that npm scripts find first on their PATH: the one of this project, else the machine's. */
function nodeForScripts() {
  const bundled = join(ROOT, 'node_modules', '.bin', 'node');
  const node = existsSync(bundled) ? bundled : process.execPath;
  const { stdout, error } = spawnSync(node, ['--version'], { encoding: 'utf8' });
  const [major, minor] = (stdout ?? '').replace('v', '').split('.').map(Number);
  if (major > MIN_NODE[0] || (major === MIN_NODE[0] && minor >= MIN_NODE[1])) return node;
  const what = error ? `${node} can't be run (${error.message})` : `this is Node ${stdout.trim()}`;
  throw new StepError(
    `sheaf needs Node ${MIN_NODE.join('.')} or newer, and ${what}.\n` +
      `Install Node 24 (https://nodejs.org), then try again; npm packages bring it along on Linux (glibc) only.`,
  );
}
