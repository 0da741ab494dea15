import { createHash } from 'node:crypto';
import { jsonByPython, runPython } from './python.ts';

/** What a client exports, as a test knows it without reading any archive or CSV. */
export interface ExportContent {
  /** The manifest's header: byte order mark, cells and line break. */
  readonly header: string;
  readonly rows: readonly ExportRow[];
  /** The images by their flat names; more than the rows name, perhaps. */
  readonly images: ReadonlyMap<string, Buffer>;
}

export interface ExportRow {
  /** The row's text with its line break. */
  readonly line: string;
  readonly image: string;
}

/** The files of an archive in its order; a name that ends in a slash is a directory. */
export type Files = readonly (readonly [name: string, data: Buffer])[];

export const PLAIN_HEADER = 'subjectId,imageName,scientificName\n';

/** An export of so many rows, each with an image of its own of `imageBytes`. */
export function plainExport(rows: number, imageBytes = 2000): ExportContent {
  const names = Array.from({ length: rows }, (_, index) => `image-${index + 1}.jpg`);
  return exportOf(names.map(plainRow), { imageBytes });
}

/** An export whose images deflate to a hundredth, as scans of white paper do that have a stamp on them. */
export function paleExport(rows: number, imageBytes: number): ExportContent {
  const content = plainExport(rows, Math.ceil(imageBytes / 100));
  const pale = [...content.images].map(([name, stamp]) => {
    const paper = Buffer.alloc(imageBytes, 'a scan of white paper, mostly');
    stamp.copy(paper, imageBytes / 3);
    return [name, paper] as const;
  });
  return { ...content, images: new Map(pale) };
}

/** A row in the columns of {@link PLAIN_HEADER}. */
export function plainRow(image: string): ExportRow {
  return { line: `id-${image},${image},Quercus alba\n`, image };
}

/** An export of given rows, with an image for each name in them. */
export function exportOf(
  rows: readonly ExportRow[],
  { header = PLAIN_HEADER, imageBytes = 2000 } = {},
): ExportContent {
  const images = new Map(rows.map(({ image }) => [image, imageBytesOf(image, imageBytes)]));
  return { header, rows, images };
}

/** Bytes that no compression makes smaller, and that no other name has. */
export function imageBytesOf(name: string, length: number): Buffer {
  return createHash('shake256', { outputLength: length }).update(name).digest();
}

export function manifestOf({ header, rows }: ExportContent): Buffer {
  return Buffer.from(header + rows.map(({ line }) => line).join(''));
}

/** The files of an export: its images in a folder, then its manifest, beside them by default. */
export function filesOf(
  content: ExportContent,
  { folder = '', manifest }: { folder?: string; manifest?: string } = {},
): Files {
  const images = [...content.images].map(([name, data]) => [`${folder}${name}`, data] as const);
  return [...images, [manifest ?? `${folder}manifest.csv`, manifestOf(content)]];
}

/** The same items in another order, in which hardly any two neighbours stay such. */
export function shuffled<T>(items: readonly T[]): T[] {
  const even = items.filter((_, index) => index % 2 === 0);
  const odd = items.filter((_, index) => index % 2 === 1);
  return [...odd.toReversed(), ...even];
}

/**
 * An archive made by Python's `zipfile`. Where it is streamed, sizes and CRC-32s follow the data in
 * descriptors.
 */
export function zipByPython(
  files: Files,
  { method = 'ZIP_STORED', streamed = false } = {},
): Buffer {
  const program = `
import io, json, sys, warnings, zipfile
warnings.simplefilter('ignore')
out = io.BytesIO()
class Pipe:
    def write(self, data): return out.write(data)
    def flush(self): pass
with zipfile.ZipFile(${streamed ? 'Pipe()' : 'out'}, 'w', zipfile.${method}) as archive:
    for name, size in json.loads(sys.stdin.buffer.readline()):
        info = zipfile.ZipInfo(name, (2024, 3, 1, 12, 0, 0))
        info.compress_type = zipfile.ZIP_STORED if name.endswith('/') else zipfile.${method}
        archive.writestr(info, sys.stdin.buffer.read(size))
sys.stdout.buffer.write(out.getvalue())
`;
  return runPython(program, framedFiles(files));
}

/** A TAR made by Python's `tarfile`. USTAR takes names of up to 100 bytes, or 255 with folders. */
export function tarByPython(
  files: Files,
  { format = 'GNU' }: { format?: 'USTAR' | 'GNU' | 'PAX' } = {},
): Buffer {
  const program = `
import io, json, sys, tarfile
out = io.BytesIO()
with tarfile.open(fileobj=out, mode='w', format=tarfile.${format}_FORMAT, encoding='utf-8') as archive:
    for name, size in json.loads(sys.stdin.buffer.readline()):
        info = tarfile.TarInfo(name)
        info.size, info.mtime = size, 1_700_000_000
        if name.endswith('/'): info.type, info.mode = tarfile.DIRTYPE, 0o755
        archive.addfile(info, io.BytesIO(sys.stdin.buffer.read(size)))
sys.stdout.buffer.write(out.getbuffer())
`;
  return runPython(program, framedFiles(files));
}

/** An archive with an export's images and any manifest.csv. */
export function withManifest(content: ExportContent, manifest: string | Buffer): Buffer {
  const images = filesOf(content).slice(0, -1);
  return zipByPython([...images, ['manifest.csv', Buffer.from(manifest)]]);
}

/** An entry of an archive as Python's `zipfile` reads it, its CRC-32 checked. */
export interface ReadEntry {
  readonly name: string;
  readonly sha256: string;
}

/** A batch zip as Python's `zipfile` reads it. */
export interface ReadBatchZip {
  readonly entries: readonly ReadEntry[];
  readonly manifest: Buffer;
}

/**
 * Reads batch zips with Python's `zipfile`, which throws where a size or a CRC-32 is wrong. A name without the flag
 * for UTF-8 that is UTF-8 all the same is taken as that, as unzip and file managers on Unix do.
 */
export function readBatchZips(zips: readonly Buffer[]): ReadBatchZip[] {
  const program = `
import base64, hashlib, io, json, sys, zipfile
def name(info):
    if info.flag_bits & 0x800: return info.filename
    try: return info.filename.encode('cp437').decode('utf8')
    except UnicodeError: return info.filename
def read(archive):
    entries = [dict(name=name(info), sha256=hashlib.sha256(archive.read(info)).hexdigest())
        for info in archive.infolist()]
    return dict(entries=entries, manifest=base64.b64encode(archive.read('manifest.csv')).decode())
sizes = json.loads(sys.stdin.buffer.readline())
zips = [zipfile.ZipFile(io.BytesIO(sys.stdin.buffer.read(size))) for size in sizes]
json.dump([read(archive) for archive in zips], sys.stdout)
`;
  const read: { entries: ReadEntry[]; manifest: string }[] = jsonByPython(
    program,
    framed(
      zips.map(({ length }) => length),
      zips,
    ),
  );
  return read.map(({ entries, manifest }) => ({
    entries,
    manifest: Buffer.from(manifest, 'base64'),
  }));
}

/** Each file's name and size, and then what is in them. */
function framedFiles(files: Files): Buffer {
  return framed(
    files.map(([name, { length }]) => [name, length]),
    files.map(([, data]) => data),
  );
}

/** A line of JSON that says what follows, and what follows. */
function framed(head: unknown, bodies: readonly Buffer[]): Buffer {
  return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), ...bodies]);
}
