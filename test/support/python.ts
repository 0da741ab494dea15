import { execFileSync } from 'node:child_process';

/**
 * Python itself: `python3` may be a script that looks for it, as pyenv's is, and takes longer for that
 * than most programs below it take.
 */
const PYTHON = execFileSync('python3', ['-c', 'import sys; print(sys.executable)'], {
  encoding: 'utf8',
}).trim();

const MAX_OUTPUT_BYTES = 256 * 1024 * 1024;

/** What a program writes that wants nothing but Python's standard library; throws where it fails. */
export function runPython(program: string, input: Buffer = Buffer.alloc(0)): Buffer {
  // Without what is installed beside the library it starts in half the time.
  return execFileSync(PYTHON, ['-I', '-S', '-c', program], { input, maxBuffer: MAX_OUTPUT_BYTES });
}

/** The same, where the program writes JSON. */
export function jsonByPython(program: string, input?: Buffer) {
  return JSON.parse(runPython(program, input).toString('utf8'));
}
