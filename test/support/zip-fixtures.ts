import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { inflateRawSync } from 'node:zlib';
import type { ArchiveLimits } from '../../src/archive/archive-limits.ts';
import { ArchiveError } from '../../src/archive/errors.ts';
import { isLiteral, type ObjectLayout } from '../../src/archive/layout.ts';
import { bufferReader, type RangeReader } from '../../src/archive/range-reader.ts';
import { isDirectory, METHOD_DEFLATE, type ZipEntry } from '../../src/archive/zip-entry.ts';
import { readZipIndex } from '../../src/archive/zip-index.ts';
import { verifyRecords } from '../../src/archive/zip-verify.ts';
import { jsonByPython, runPython } from './python.ts';

/** Limits that no test archive reaches by accident. */
export const LIMITS: ArchiveLimits = {
  maxEntries: 250_000,
  maxEntryBytes: 2 ** 40,
  maxTotalBytes: 2 ** 42,
  maxRatio: 100,
};

const MAX_OUTPUT_BYTES = 256 * 1024 * 1024;

/**
 * An archive made by Python's `zipfile`: `script` writes to `out`, a binary stream that can seek, or
 * with `seekable: false` one that cannot, so that zipfile has to use data descriptors.
 */
export function pythonZip(script: string, { seekable = true } = {}): Buffer {
  const program = `
import io, os, struct, sys, zipfile
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo
out = io.BytesIO()
class Pipe:
    def write(self, data): return out.write(data)
    def flush(self): pass
target = ${seekable ? 'out' : 'Pipe()'}
${script}
sys.stdout.buffer.write(out.getvalue())
`;
  return runPython(program);
}

/** What Python's `zipfile` makes of an archive: its names, after every CRC has been checked. */
export function readByPython(archive: Buffer): string[] {
  const program = `
import io, json, sys, zipfile
archive = zipfile.ZipFile(io.BytesIO(sys.stdin.buffer.read()))
bad = archive.testzip()
if bad: sys.exit(f'bad CRC: {bad}')
json.dump(archive.namelist(), sys.stdout)
`;
  return jsonByPython(program, archive);
}

/**
 * Whether Info-ZIP's `zip` and `unzip` are on this machine. They come with no package of npm or PyPI;
 * without them what they would make or read is left out, and Python's `zipfile` is the only judge.
 */
export const HAS_INFO_ZIP = ['zip', 'unzip'].every(
  (program) => spawnSync(program, ['-v']).status === 0,
);

/** Lets `unzip -t` judge an archive: throws where it finds an error or a warning. */
export function testByUnzip(archive: Buffer): void {
  if (!HAS_INFO_ZIP) return;
  inFolder((folder) => {
    writeFileSync(join(folder, 'a.zip'), archive);
    // In another locale it warns of names in UTF-8 that it can't show.
    const env = { ...process.env, LC_ALL: 'C.UTF-8' };
    execFileSync('unzip', ['-tq', 'a.zip'], { cwd: folder, env, maxBuffer: MAX_OUTPUT_BYTES });
  });
}

/**
 * An archive made by Info-ZIP's `zip` (see `HAS_INFO_ZIP`) of files given by name. With `-` as the archive's name it goes
 * to a pipe, with data descriptors.
 */
export function infoZip(files: Record<string, Buffer>, args: readonly string[]): Buffer {
  return inFolder((folder) => {
    for (const [name, data] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), data);
    }
    const output = execFileSync('zip', ['-q', ...args], {
      cwd: folder,
      maxBuffer: MAX_OUTPUT_BYTES,
    });
    return args.includes('-') ? output : readFileSync(join(folder, 'a.zip'));
  });
}

function inFolder<Result>(use: (folder: string) => Result): Result {
  const folder = mkdtempSync(join(tmpdir(), 'sheaf-zip-'));
  try {
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A reader that notes what is read. */
export function countingReader(archive: Buffer): RangeReader & { reads: [number, number][] } {
  const inner = bufferReader(archive);
  const reads: [number, number][] = [];
  return {
    size: inner.size,
    reads,
    read(start, end) {
      if (start >= end) throw new Error(`Expected a range of bytes, got ${start} to ${end}`);
      reads.push([start, end]);
      return inner.read(start, end);
    },
  };
}

/** Index and verify an archive in memory, cut into chunks of `chunkBytes`. */
export async function readWhole(
  archive: Buffer,
  { chunkBytes = 64 * 1024, limits = LIMITS } = {},
): Promise<ZipEntry[]> {
  const entries = await readZipIndex(bufferReader(archive), limits);
  await verifyRecords(entries, chunksOf(archive, chunkBytes));
  return entries;
}

/** The archive's bytes from its start on, in chunks. */
export function* chunksOf(archive: Buffer, chunkBytes: number): Generator<Buffer> {
  for (let start = 0; start < archive.length; start += chunkBytes) {
    yield archive.subarray(start, start + chunkBytes);
  }
}

/** The files of an archive by name, by what the index says of them and nothing else. */
export function extract(archive: Buffer, entries: readonly ZipEntry[]): Map<string, Buffer> {
  const files = entries.filter((entry) => !isDirectory(entry));
  return new Map(
    files.map(({ name, method, dataStart, compressedSize }) => {
      const data = archive.subarray(dataStart, dataStart + compressedSize);
      return [name, method === METHOD_DEFLATE ? inflateRawSync(data) : data];
    }),
  );
}

/** The object that a layout says how to make from `source`. */
export function bytesOfLayout(source: Buffer, { pieces }: ObjectLayout): Buffer {
  return Buffer.concat(
    pieces.map((piece) =>
      isLiteral(piece) ? piece.bytes : source.subarray(piece.start, piece.end),
    ),
  );
}

/** The message of the `ArchiveError` that an archive is refused with, by the index or the verifier. */
export async function refusal(archive: Buffer, limits = LIMITS): Promise<string> {
  try {
    await readWhole(archive, { limits });
  } catch (error) {
    if (error instanceof ArchiveError) return error.message;
    throw error;
  }
  throw new Error('The archive was accepted');
}
