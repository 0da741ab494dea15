import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { isIdle } from '../../src/storage/folder-tree.ts';
import { claimLocalRoot, type LocalRoot } from '../../src/storage/local-root.ts';
import { afterwards } from '../support/afterwards.ts';
import { makeOld, tempFolder } from '../support/temp-folder.ts';

/** A process that claims a folder, puts a workspace into it, and then lives until it is killed. */
const HOLDER = `
import { mkdirSync, writeFileSync } from 'node:fs';
import { claimLocalRoot } from ${JSON.stringify(new URL('../../src/storage/local-root.ts', import.meta.url).href)};
const { root, leftovers } = await claimLocalRoot(process.argv[1]);
mkdirSync(root + '/sheaf-run');
writeFileSync(root + '/sheaf-run/archive.zip', 'x');
console.log(JSON.stringify({ root, failed: leftovers.failed.map(({ error }) => error.message) }));
process.stdin.resume();
`;

let temp: string;
let base: string;

beforeEach(async () => {
  temp = await tempFolder();
  base = join(temp, 'sheaf');
});

describe('claimLocalRoot', () => {
  test('gives a folder that only this user sees, and takes it away at the end', async () => {
    const claim = await claimed();
    expect(dirname(claim.root)).toBe(base);
    expect((await stat(claim.root)).mode & 0o777).toBe(0o700);
    expect((await stat(base)).mode & 0o1777).toBe(0o1777);
    await mkdir(join(claim.root, 'sheaf-run'));

    await claim.release();

    expect(await readdir(base)).toEqual([]);
  });

  test('removes what processes that were killed have left, and nothing of those that live', async () => {
    const [dead, alive] = await Promise.all([holder(), holder()]);
    await kill(dead);

    const { root, leftovers } = await claimed();

    expect(leftovers).toEqual({ removed: [dead.root], failed: [] });
    expect((await readdir(base)).toSorted()).toEqual([alive.root, root].map(nameOf).toSorted());
    expect(existsSync(join(alive.root, 'sheaf-run', 'archive.zip'))).toBe(true);
  });

  test('takes nothing from processes that start at the same moment', async () => {
    const dead = await Promise.all([holder(), holder()]);
    await Promise.all(dead.map(kill));

    const alive = await Promise.all(Array.from({ length: 8 }, () => holder()));

    for (const { failed } of alive) expect(failed).toEqual([]);
    expect((await readdir(base)).toSorted()).toEqual(alive.map(nameOf).toSorted());
    for (const { root } of alive) {
      expect(existsSync(join(root, 'sheaf-run', 'archive.zip'))).toBe(true);
    }
  });

  test('takes nothing from a process that stands still', async () => {
    const { root, child } = await holder();
    child.kill('SIGSTOP');
    await makeOld(root, 600);

    expect((await claimed()).leftovers).toEqual({ removed: [], failed: [] });
    expect(existsSync(root)).toBe(true);
  });

  test('removes a folder whose lock was swept only once nobody has touched it for ten minutes', async () => {
    const { root } = await holder();
    await rm(join(root, 'lock'));
    await makeOld(root, 9);
    expect((await claimed()).leftovers.removed).toEqual([]);

    await makeOld(root, 11);
    expect((await claimed()).leftovers.removed).toEqual([root]);
  });

  test.each([
    ['of another machine on the same volume', (name: string) => name.replace(/^.{8}/, '00000000')],
    ['that is being made', (name: string) => `.${name}`],
  ])('removes a folder %s only once nobody has touched it for ten minutes', async (_, renamed) => {
    const dead = await holder();
    await kill(dead);
    const path = join(base, renamed(nameOf(dead)));
    await rename(dead.root, path);
    expect((await claimed()).leftovers.removed).toEqual([]);

    await makeOld(path, 11);
    expect((await claimed()).leftovers.removed).toEqual([path]);
  });

  test('leaves what is not ours', async () => {
    await mkdir(join(base, 'notes'), { recursive: true });
    await writeFile(join(base, '0123abcd-0123abcd.txt'), 'x');
    await makeOld(base, 6000);

    expect((await claimed()).leftovers).toEqual({ removed: [], failed: [] });
  });

  test('says what to do where the path is too long for a socket, and leaves nothing there', async () => {
    const long = join(temp, 'x'.repeat(100));
    await mkdir(long);

    await expect(claimLocalRoot(long)).rejects.toThrow(/103 at most; name a shorter temp folder/);
    expect(await readdir(join(long, 'sheaf'))).toEqual([]);
  });

  describe('each minute', () => {
    beforeEach(() => {
      vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    });
    afterEach(() => {
      vi.useRealTimers();
    });

    test('touches the folder, its lock, and what is in it', async () => {
      const { root } = await claimed();
      await mkdir(join(root, 'sheaf-run'));
      await makeOld(root, 60);
      vi.advanceTimersByTime(60_000);

      for (const path of [root, join(root, 'lock'), join(root, 'sheaf-run')]) {
        await vi.waitFor(async () => expect(await isIdle(path, 600_000)).toBe(false));
      }
    });

    test('makes the folder anew where somebody has removed it', async () => {
      const { root } = await claimed();
      await rm(base, { recursive: true });
      vi.advanceTimersByTime(60_000);

      await vi.waitFor(async () => expect((await stat(root)).mode & 0o777).toBe(0o700));
    });
  });
});

/** A claim of this process, given up when the test ends. */
async function claimed(): Promise<LocalRoot> {
  const claim = await claimLocalRoot(temp);
  afterwards(() => claim.release());
  return claim;
}

interface Holder {
  readonly child: ChildProcess;
  readonly root: string;
  readonly failed: readonly string[];
}

/** A claim of another process, killed when the test ends at the latest. */
async function holder(): Promise<Holder> {
  const args = ['--input-type=module', '--eval', HOLDER, temp];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  afterwards(() => kill({ child }));
  const [line] = await once(createInterface(child.stdout), 'line');
  return { child, ...JSON.parse(line) };
}

async function kill({ child }: Pick<Holder, 'child'>): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}

function nameOf(folder: string | { readonly root: string }): string {
  return basename(typeof folder === 'string' ? folder : folder.root);
}
