import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import {
  createWorkspace,
  isWorkspaceName,
  readWorkspaceRun,
  removeWorkspace,
  workspacePath,
} from '../../src/storage/workspace-folder.ts';
import { disksSay } from '../support/disk-stats.ts';
import { tempFolder } from '../support/temp-folder.ts';

const MIB = 1024 * 1024;
const RESERVE = 256 * MIB;
const RUN = { workflowId: 'split-4711-a.zip', runId: '0198c3a4-6f1e-7cc2-8b5e-111111111111' };

let root: string;

beforeEach(async () => {
  root = await tempFolder();
});

describe('the path of a workspace', () => {
  test('can be read, and lies right below the root', () => {
    expect(workspacePath('/efs/batch', RUN)).toMatch(
      /^\/efs\/batch\/sheaf-split-4711-a\.zip-[0-9a-f]{20}$/,
    );
  });

  test('is safe and of bounded length whatever the ids hold', () => {
    const id = fc.oneof(
      fc.array(fc.nat({ max: 0x10ffff })).map((points) => String.fromCodePoint(...points)),
      fc.constantFrom(
        '',
        '.',
        '..',
        '../..',
        '/',
        '/etc',
        'a/../../b',
        '\0',
        '.hidden',
        'é/ü',
        'x'.repeat(300),
      ),
    );
    fc.assert(
      fc.property(id, id, (workflowId, runId) => {
        const path = workspacePath('/root', { workflowId, runId });
        expect(dirname(path)).toBe('/root');
        expect(basename(path)).toMatch(/^sheaf-[A-Za-z0-9._-]{1,60}-[0-9a-f]{20}$/);
        expect(isWorkspaceName(basename(path))).toBe(true);
      }),
    );
  });

  test('is another one for each run', () => {
    const paths = [
      RUN,
      { ...RUN, runId: 'b' },
      { ...RUN, workflowId: 'split-4711/a.zip' },
      { workflowId: 'a', runId: 'bc' },
      { workflowId: 'ab', runId: 'c' },
    ].map((run) => workspacePath(root, run));

    expect(new Set(paths).size).toBe(paths.length);
    expect(workspacePath(root, { ...RUN })).toBe(paths[0]);
  });

  test('is told from those of others', () => {
    for (const name of ['sheaf', 'a.zip', `split-${'0'.repeat(20)}`, 'sheaf-a-0123']) {
      expect(isWorkspaceName(name)).toBe(false);
    }
  });
});

describe('createWorkspace', () => {
  test('makes a folder that only this user sees, and that says whose it is', async () => {
    const path = await createWorkspace(root, RUN, MIB);

    expect(path).toBe(workspacePath(root, RUN));
    expect((await stat(path)).mode & 0o777).toBe(0o700);
    expect(JSON.parse(await readFile(join(path, 'run.json'), 'utf8'))).toEqual(RUN);
    await expect(readWorkspaceRun(path)).resolves.toEqual(RUN);
  });

  test('leaves what an earlier attempt of the same run has put there', async () => {
    const path = await createWorkspace(root, RUN, MIB);
    await writeFile(join(path, 'archive.zip'), 'half of it');
    await createWorkspace(root, RUN, MIB);

    await expect(readFile(join(path, 'archive.zip'), 'utf8')).resolves.toBe('half of it');
  });

  test('makes nothing where the disk has too little, and says how much it needs', async () => {
    disksSay({ bavail: 1000, frsize: MIB, bsize: 1024 * MIB });
    await createWorkspace(root, RUN, 1000 * MIB - RESERVE);
    await removeWorkspace(root, RUN);

    await expect(createWorkspace(root, RUN, 1000 * MIB - RESERVE + 1)).rejects.toThrow(
      expect.objectContaining({
        name: 'NoSpaceError',
        message:
          `The disk of ${root} has 1048576000 bytes free, the job needs 780140545 more and ` +
          'leaves 268435456 to others; make room there, or name a larger disk ' +
          '(TMPDIR for small archives, EFS_PATH for large ones)',
      }),
    );
    await expect(readdir(root)).resolves.toEqual([]);
  });

  test('counts in what an earlier attempt has put there', async () => {
    const path = await createWorkspace(root, RUN, MIB);
    await writeFile(join(path, 'archive.zip'), Buffer.alloc(3 * MIB));
    disksSay({ bavail: 258, frsize: MIB });

    await expect(createWorkspace(root, RUN, 5 * MIB)).resolves.toBe(path);
    await expect(createWorkspace(root, RUN, 6 * MIB)).rejects.toThrow('bytes free');
    disksSay({ bavail: 0, frsize: MIB });
    await expect(createWorkspace(root, RUN, 3 * MIB)).resolves.toBe(path);
  });

  test('trusts a mount that does not count its blocks, and a Node that does not give their size', async () => {
    disksSay({ blocks: 0, bavail: 0 });
    await createWorkspace(root, RUN, 1e15);
    disksSay({ bavail: 1000, frsize: undefined, bsize: MIB });
    await createWorkspace(root, RUN, 500 * MIB);

    await expect(createWorkspace(root, RUN, 1e15)).rejects.toThrow('1048576000 bytes free');
  });

  test('says what to do where the root is not there', async () => {
    const missing = join(root, 'not mounted');

    await expect(createWorkspace(missing, RUN, 1)).rejects.toThrow(
      `The folder for workspaces, ${missing}, is not there; mount it or make it`,
    );
  });
});

describe('removeWorkspace', () => {
  test('removes the folder with all that is in it, and nothing else', async () => {
    const other = { ...RUN, runId: 'another' };
    const path = await createWorkspace(root, RUN, MIB);
    await mkdir(join(path, 'deeper'));
    await writeFile(join(path, 'deeper', 'a'), 'a');
    await createWorkspace(root, other, MIB);
    await removeWorkspace(root, RUN);

    await expect(readdir(root)).resolves.toEqual([basename(workspacePath(root, other))]);
  });

  test('is fine with a folder, and a root, that is gone', async () => {
    await removeWorkspace(root, RUN);
    await removeWorkspace(join(root, 'gone'), RUN);
  });

  test('is fine with somebody else removing the same', async () => {
    const path = await createWorkspace(root, RUN, MIB);
    await Promise.all(
      Array.from({ length: 300 }, (_, index) => writeFile(join(path, `${index}`), '')),
    );
    await Promise.all(Array.from({ length: 8 }, () => removeWorkspace(root, RUN)));

    await expect(readdir(root)).resolves.toEqual([]);
  });
});

test('a folder that does not say whose it is has no run', async () => {
  const path = await createWorkspace(root, RUN, MIB);
  for (const text of ['', '{', '{"workflowId":1}']) {
    await writeFile(join(path, 'run.json'), text);
    await expect(readWorkspaceRun(path)).resolves.toBeUndefined();
  }
  await expect(readWorkspaceRun(root)).resolves.toBeUndefined();
});
