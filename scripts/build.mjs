/**
 * Builds dist/: JavaScript and types from src/, and the workflows' bundle, so that a worker needs
 * no bundler when it starts. It is built aside, then swapped in: a process that runs from dist/
 * never sees half of a build, and files of deleted sources don't stay.
 */
import { chmodSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { sourceStamp, writeBuildStamp } from './build-stamp.mjs';
import { ROOT, run, StepError } from './step.mjs';

const dist = join(ROOT, 'dist');
const stamp = sourceStamp(ROOT);
const staging = mkdtempSync(join(ROOT, 'dist-'));
try {
  await compile(staging);
  await bundleWorkflows(staging);
  chmodSync(join(staging, 'cli', 'main.js'), 0o755);
  writeBuildStamp(staging, stamp);
  rmSync(dist, { recursive: true, force: true });
  renameSync(staging, dist);
  // mkdtemp makes folders that only their owner may enter.
  chmodSync(dist, 0o755);
} catch (error) {
  console.error(error instanceof StepError ? error.message : error);
  process.exitCode = 1;
} finally {
  rmSync(staging, { recursive: true, force: true });
}

function compile(folder) {
  const tsc = join(ROOT, 'node_modules', '.bin', 'tsc');
  return run(tsc, ['-p', 'tsconfig.build.json', '--outDir', folder], '');
}

async function bundleWorkflows(folder) {
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(folder, 'workflows', 'index.js'),
    logger: new DefaultLogger('WARN'),
  });
  writeFileSync(join(folder, 'workflow-bundle.js'), code);
}
