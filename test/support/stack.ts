import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import type { TestProject } from 'vitest/node';
import type { StackEndpoints } from '../../src/local/endpoints.ts';
import { startStack } from '../../src/local/stack.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The stack that all test files share. */
    stack: StackEndpoints;
    /** Path of the workflows' bundle, for a worker's `workflowBundle: { codePath }`. */
    workflowBundle: string;
  }
}

const WORKFLOWS = fileURLToPath(new URL('../../src/workflows/index.ts', import.meta.url));

/** Vitest's global set-up: one embedded stack and one bundle of the workflows for the whole suite. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const dir = await mkdtemp(join(tmpdir(), 'sheaf-test-'));
  const workflowBundle = join(dir, 'workflow-bundle.js');
  const [stack] = await Promise.all([
    startStack({ dataDir: join(dir, 'stack'), report: console.error }),
    bundleWorkflows(workflowBundle),
  ]);
  project.provide('stack', stack.endpoints);
  project.provide('workflowBundle', workflowBundle);
  return async () => {
    await stack.kill();
    await rm(dir, { recursive: true, force: true });
  };
}

async function bundleWorkflows(file: string): Promise<void> {
  const logger = new DefaultLogger('WARN');
  const { code } = await bundleWorkflowCode({ workflowsPath: WORKFLOWS, logger });
  await writeFile(file, code);
}
