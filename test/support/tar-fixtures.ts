import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { ArchiveError } from '../../src/archive/errors.ts';
import { type TarCheckpoint, type TarFile, TarReader } from '../../src/archive/tar-reader.ts';
import { jsonByPython } from './python.ts';

const FIXTURES = new URL('../fixtures/tar/', import.meta.url);

/** The TARs that `test/fixtures/tar/make-fixtures.sh` made, by name, without their compression. */
export const TAR_FIXTURES: ReadonlyMap<string, Buffer> = new Map(
  readdirSync(FIXTURES)
    .filter((name) => name.endsWith('.tar.gz'))
    .map((name) => [
      name.slice(0, -'.tar.gz'.length),
      gunzipSync(readFileSync(new URL(name, FIXTURES))),
    ]),
);

/** A file of a TAR, as the reader under test or Python's `tarfile` reads it. */
export interface ReadTarFile {
  readonly name: string;
  readonly size: number;
  readonly mtime: number;
  readonly sha256: string;
}

/** A file with what was read of it, and where reading can go on behind it. */
export interface ReadFile extends TarFile {
  readonly content: Buffer;
  readonly checkpoint: TarCheckpoint;
}

/** Reads a TAR, or what of it lies behind a checkpoint, to its end. */
export async function readTar(
  chunks: AsyncIterable<Buffer>,
  from?: TarCheckpoint,
): Promise<ReadFile[]> {
  const reader = new TarReader(chunks, from);
  const files: ReadFile[] = [];
  for (let file = await reader.next(); file; file = await reader.next()) {
    const pieces: Buffer[] = [];
    for await (const piece of reader.data()) pieces.push(piece);
    files.push({ ...file, content: Buffer.concat(pieces), checkpoint: reader.checkpoint() });
  }
  return files;
}

/** The bytes from `from` on, in chunks of `sizes` in turn. */
export async function* inChunks(
  bytes: Buffer,
  sizes: readonly number[] = [64 * 1024],
  from = 0,
): AsyncGenerator<Buffer> {
  for (let start = from, index = 0; start < bytes.length; index += 1) {
    const size = sizes[index % sizes.length] as number;
    yield bytes.subarray(start, start + size);
    start += size;
  }
}

/** What can be compared with Python's account. */
export function digest({ name, size, mtime, content }: ReadFile): ReadTarFile {
  return { name, size, mtime, sha256: createHash('sha256').update(content).digest('hex') };
}

/** The message of the `ArchiveError` that a TAR is refused with. */
export async function tarRefusal(bytes: Buffer, from?: TarCheckpoint): Promise<string> {
  try {
    await readTar(inChunks(bytes), from);
  } catch (error) {
    if (error instanceof ArchiveError) return error.message;
    throw error;
  }
  throw new Error('The TAR was accepted');
}

/**
 * The regular files of TARs as Python's `tarfile` reads them, by one run of it. Bytes of names that
 * are not UTF-8 are lone surrogates; times are rounded down.
 */
export function readTarsByPython(tars: readonly Buffer[]): ReadTarFile[][] {
  const program = `
import hashlib, io, json, math, sys, tarfile
def read(archive):
    return [dict(name=info.name, size=info.size, mtime=math.floor(info.mtime),
        sha256=hashlib.sha256(archive.extractfile(info).read()).hexdigest())
        for info in archive if info.isreg()]
sizes = json.loads(sys.stdin.buffer.readline())
json.dump([read(tarfile.open(fileobj=io.BytesIO(sys.stdin.buffer.read(size)), mode='r:',
    encoding='utf-8', errors='surrogateescape')) for size in sizes], sys.stdout)
`;
  return jsonByPython(
    program,
    framed(
      tars.map(({ length }) => length),
      tars,
    ),
  );
}

/** What Python's `tarfile` is to write. */
export interface PythonTar {
  readonly format: 'USTAR' | 'GNU' | 'PAX';
  readonly files: readonly { name: string; mtime: number; content: Buffer }[];
}

/** TARs made by Python's `tarfile`, by one run of it. */
export function makeTarsByPython(tars: readonly PythonTar[]): Buffer[] {
  const program = `
import base64, io, json, sys, tarfile
def make(wanted):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode='w', format=getattr(tarfile, wanted['format'] + '_FORMAT'),
            encoding='utf-8') as archive:
        for name, mtime, size in wanted['files']:
            info = tarfile.TarInfo(name)
            info.size, info.mtime = size, mtime
            archive.addfile(info, io.BytesIO(sys.stdin.buffer.read(size)))
    return base64.b64encode(out.getvalue()).decode()
json.dump([make(wanted) for wanted in json.loads(sys.stdin.buffer.readline())], sys.stdout)
`;
  const head = tars.map(({ format, files }) => ({
    format,
    files: files.map(({ name, mtime, content }) => [name, mtime, content.length]),
  }));
  const made: string[] = jsonByPython(
    program,
    framed(
      head,
      tars.flatMap(({ files }) => files.map(({ content }) => content)),
    ),
  );
  return made.map((bytes) => Buffer.from(bytes, 'base64'));
}

/** A line of JSON that says what follows, and what follows. */
function framed(head: unknown, bodies: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), ...bodies]);
}
