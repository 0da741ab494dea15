import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sevenZip from '7z-wasm';
// @ts-expect-error: the package types only its client, which keeps a broken header to itself.
import startLibarchive from 'libarchive.js/src/webworker/wasm-gen/libarchive.js';
import { expect } from 'vitest';
import { readByPython, testByUnzip } from './zip-fixtures.ts';

/**
 * Bytes that libarchive is asked for at once, always more than are left of an entry's: only at the
 * end of the data it compares size and CRC, and the data may go on for longer than it should.
 */
const READ_BYTES = 16 * 1024 * 1024;

/** Whether libarchive's own `bsdtar` is on this machine, to judge beside the one that npm brings. */
const HAS_BSDTAR = spawnSync('bsdtar', ['--version']).status === 0;

/** What emscripten makes of a C library: its memory, and its functions by their names. */
interface CLibrary {
  HEAPU8: Uint8Array;
  _malloc(bytes: number): number;
  _free(pointer: number): void;
  cwrap(name: string, gives: 'number', takes: string[]): (...args: unknown[]) => number;
  cwrap(name: string, gives: 'string', takes: string[]): (...args: unknown[]) => string;
}

/**
 * Lets all judges test an archive: Info-ZIP (where it is), Python, 7-Zip and libarchive. Those that
 * give names must give the same ones in the same order, so the records have to lie in the order of
 * the directory, by which libarchive goes, and names that are not ASCII need the UTF-8 flag. Gives
 * the names of the files.
 */
export async function judgeZip(archive: Buffer): Promise<string[]> {
  testByUnzip(archive);
  const names = readByPython(archive).filter(isFile);
  expect(await testBy7Zip(archive), '7-Zip names what Python does').toEqual(names);
  expect(await testByLibarchive(archive), 'libarchive names what Python does').toEqual(names);
  return names;
}

/**
 * Lets 7-Zip's `7zz t` judge an archive: throws its output where it finds an error or a warning.
 * Gives the names of the files in the order of the directory, with `_` for control characters.
 */
export async function testBy7Zip(archive: Buffer): Promise<string[]> {
  const output: string[] = [];
  const print = (line: string) => void output.push(line);
  const program = await sevenZip.default({ print, printErr: print });
  program.FS.writeFile('a.zip', archive);
  const { exitCode } = process;
  let end: unknown;
  try {
    // The exit code, which its types don't know of.
    end = program.callMain(['t', '-tzip', '-bb1', '-bsp0', 'a.zip']);
  } catch (error) {
    // What isn't an archive at all ends in an exception of C++, here a number.
    end = error;
  } finally {
    // It takes this process for its own.
    process.exitCode = exitCode;
  }
  // Bytes behind the end of the archive are a warning that leaves the exit code at 0.
  if (end !== 0 || output.some((line) => /^(archives with )?warnings?:/i.test(line))) {
    throw new Error(`7-Zip ended with ${end}:\n${output.join('\n')}`);
  }
  const names = output.filter((line) => line.startsWith('T ')).map((line) => line.slice(2));
  return names.filter(isFile);
}

/**
 * Lets libarchive read an archive by its central directory, as `bsdtar` does with a file, every entry
 * to its end: throws where it finds an error or a warning. Gives the names of the files in the order
 * of their records.
 */
export async function testByLibarchive(archive: Buffer): Promise<string[]> {
  testByBsdtar(archive);
  // Without an end record it would read on record by record, as from a pipe.
  if (!archive.includes('PK\x05\x06', 0, 'latin1')) {
    throw new Error('libarchive: no end of the central directory');
  }
  const output: string[] = [];
  const print = (line: string) => void output.push(line);
  const library: CLibrary = await startLibarchive({ print, printErr: print });
  const open = library.cwrap('archive_open', 'number', ['number', 'number', 'string', 'string']);
  const nextEntry = library.cwrap('get_next_entry', 'number', ['number']);
  const nameOf = library.cwrap('archive_entry_pathname', 'string', ['number']);
  const sizeOf = library.cwrap('archive_entry_size', 'number', ['number']);
  const read = library.cwrap('get_filedata', 'number', ['number', 'number']);
  const lastError = library.cwrap('archive_error_string', 'string', ['number']);

  const bytes = library._malloc(archive.length);
  library.HEAPU8.set(archive, bytes);
  const handle = open(bytes, archive.length, null, 'C.UTF-8');
  const check = () => {
    const problems = [...output, lastError(handle)].filter(Boolean);
    if (problems.length > 0) throw new Error(`libarchive: ${problems.join('\n')}`);
  };
  const names: string[] = [];
  for (;;) {
    const entry = nextEntry(handle);
    check();
    if (entry === 0) return names.filter(isFile);
    names.push(nameOf(entry));
    for (let left = sizeOf(entry); left >= 0; left -= READ_BYTES) {
      const data = read(handle, READ_BYTES);
      check();
      library._free(data);
    }
  }
}

function testByBsdtar(archive: Buffer): void {
  if (!HAS_BSDTAR) return;
  const folder = mkdtempSync(join(tmpdir(), 'sheaf-zip-'));
  try {
    writeFileSync(join(folder, 'a.zip'), archive);
    const { status, stderr } = spawnSync('bsdtar', ['-xPOf', 'a.zip'], {
      cwd: folder,
      env: { ...process.env, LC_ALL: 'C.UTF-8' },
      stdio: ['ignore', 'ignore', 'pipe'],
      encoding: 'utf8',
    });
    if (status !== 0 || stderr !== '') throw new Error(`bsdtar ended with ${status}: ${stderr}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function isFile(name: string): boolean {
  return !name.endsWith('/');
}
