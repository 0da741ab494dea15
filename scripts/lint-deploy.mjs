/**
 * Checks deploy/ and the Dockerfile with the tools that tools/deploy-checks.txt pins, which it installs
 * first where they are not there yet. Says what is wrong, and ends with code 1.
 */
import { createHash } from 'node:crypto';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { ROOT, run, StepError, step } from './step.mjs';

const REQUIREMENTS = 'tools/deploy-checks.txt';

// A folder for these pins and this platform: another process may install the same at the same time.
const pins = createHash('sha256').update(readFileSync(join(ROOT, REQUIREMENTS)));
const NAME = `deploy-checks-${process.platform}-${process.arch}-${pins.digest('hex').slice(0, 12)}`;
const TOOLS = join(ROOT, '.tools');
const PYTHON = join(TOOLS, NAME);

/** What is run, in the project's folder; `env` has the tools on PYTHONPATH. */
const CHECKS = {
  'cfn-lint': ['python3', tool('cfn-lint'), 'deploy/aws/data.yaml', 'deploy/aws/service.yaml'],
  hadolint: [tool('hadolint'), 'Dockerfile'],
  shellcheck: [tool('shellcheck'), 'deploy/deploy.sh'],
};

try {
  if (!isInstalled()) await step('deploy checks', install);
  process.env.PYTHONPATH = PYTHON;
  // One after the other: what is wrong is said in one piece.
  for (const [name, [command, ...args]] of Object.entries(CHECKS)) {
    await step(name, () => run(command, args, ''));
  }
} catch (error) {
  console.error(error instanceof StepError ? `\n${error.message}` : error);
  process.exitCode = 1;
}

function tool(name) {
  return join(PYTHON, 'bin', name);
}

/** Installed aside and then renamed: a folder of that name is whole. */
async function install() {
  mkdirSync(TOOLS, { recursive: true });
  const aside = mkdtempSync(join(TOOLS, '.installing-'));
  try {
    // A user's `--user` setting can't be combined with `--target`.
    process.env.PIP_USER = '0';
    await run(
      'python3',
      [
        ...['-m', 'pip', 'install', '--quiet', '--no-input', '--no-compile'],
        ...['--only-binary=:all:', '--require-hashes', '--disable-pip-version-check'],
        ...['--no-warn-script-location', '--target', aside, '-r', REQUIREMENTS],
      ],
      'The tools that deploy/ is checked with could not be installed: Python 3.10 or newer with pip is needed.',
    );
    writeFileSync(join(aside, 'installed'), '');
    for (const old of readdirSync(TOOLS).filter((name) => name.startsWith('deploy-checks-'))) {
      rmSync(join(TOOLS, old), { recursive: true, force: true });
    }
    renameSync(aside, PYTHON);
  } finally {
    rmSync(aside, { recursive: true, force: true });
  }
}

function isInstalled() {
  try {
    return readdirSync(PYTHON).includes('installed');
  } catch {
    return false;
  }
}
