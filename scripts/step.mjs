import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The project's folder. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** Lines of a failed command's output that are shown. */
const TAIL_LINES = 15;

/** A step that failed; the message is for a person: what failed, its last words, what to do. */
export class StepError extends Error {}

/** Does one piece of work and says on stderr, in a line, how long it took. */
export async function step(name, work) {
  const startedAt = Date.now();
  await work();
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
  console.error(`  ${name.padEnd(14)}${seconds.padStart(6)} s`);
}

/**
 * Runs a command in the project's folder, silently.
 *
 * @throws {StepError} where it fails: the end of its output, and `advice`.
 */
export function run(command, args, advice) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const collect = (text) => {
      output += text;
    };
    child.stdout.setEncoding('utf8').on('data', collect);
    child.stderr.setEncoding('utf8').on('data', collect);
    child.on('error', (error) => reject(new StepError(`${command}: ${error.message}\n${advice}`)));
    child.on('close', (code) => {
      const tail = output.trim().split('\n').slice(-TAIL_LINES).join('\n');
      if (code === 0) resolve();
      else reject(new StepError([tail, advice].filter(Boolean).join('\n')));
    });
  });
}
