import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, test } from 'vitest';

const FOLDER = fileURLToPath(new URL('../../deploy/monitoring/', import.meta.url));
const run = promisify(execFile);

/** No package of npm or PyPI that we know of has promtool: it is used where somebody has put it. */
const promtool = findPromtool(process.env);

describe.skipIf(!promtool)('promtool', () => {
  test.each([
    ['takes the rules', ['check', 'rules', 'alerts.yml']],
    ['takes the configuration', ['check', 'config', 'prometheus.yml']],
    [
      'finds that alerts fire when they should, and only then',
      ['test', 'rules', 'alerts.test.yml'],
    ],
  ])('%s', async (_, args) => {
    const { stdout } = await run(promtool ?? '', args, { cwd: FOLDER });
    expect(stdout).toContain('SUCCESS');
  });
});

/** `PROMTOOL`, else that of the `PATH`, else where `go install` puts it. */
function findPromtool({ PROMTOOL, PATH = '', GOBIN, GOPATH }: NodeJS.ProcessEnv) {
  const folders = [...PATH.split(delimiter), GOBIN, join(GOPATH ?? join(homedir(), 'go'), 'bin')];
  const candidates = folders.flatMap((folder) => (folder ? join(folder, 'promtool') : []));
  return PROMTOOL || candidates.find((path) => existsSync(path));
}
