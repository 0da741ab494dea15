/**
 * Builds dist/: JavaScript and types from src/, and the workflows' bundle, so that a worker needs
 * no bundler when it starts. It is built aside, then swapped in: a process that runs from dist/
 * never sees half of a build, and files of deleted sources don't stay.
 */
import { chmodSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { sourceStamp, writeBuildStamp } from './build-stamp.mjs';
import { ROOT, run, StepError } from './step.mjs';

const dist = join(ROOT, 'dist');
const stamp = sourceStamp(ROOT);
const staging = mkdtempSync(join(ROOT, 'dist-'));
try {
  await compile(staging);
  await bundleWorkflows(staging, 'workflow-bundle.js', []);
  // Each run evaluates its bundle: those that no one traces go without what traces them.
  const { TRACED_WORKFLOWS } = await import(
    pathToFileURL(join(staging, 'telemetry', 'tracing.js'))
  );
  const tracedWorkflows = createRequire(import.meta.url).resolve(TRACED_WORKFLOWS);
  await bundleWorkflows(staging, 'traced-workflow-bundle.js', [tracedWorkflows]);
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

async function bundleWorkflows(folder, name, workflowInterceptorModules) {
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(folder, 'workflows', 'index.js'),
    workflowInterceptorModules,
    logger: new DefaultLogger('WARN'),
  });
  writeFileSync(join(folder, name), code);
}
