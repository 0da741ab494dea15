const BLOCK_BYTES = 512;

/** A field of a header: text or bytes as they are, or a number in octal digits. */
export type TarField = string | Buffer | number;

/** A file of a crafted TAR, honest but for the fields that are given. */
export interface CraftedTarFile {
  name: string | Buffer;
  content?: string | Buffer;
  /** Any of the type flags; `0`, a regular file, where it is left out. */
  type?: string;
  /** The content's length, where it is left out. */
  size?: TarField;
  mtime?: TarField;
  linkName?: string | Buffer;
  /** Magic and version, 8 bytes: that of POSIX where it is left out. */
  magic?: string;
  prefix?: string | Buffer;
  checksum?: TarField;
  /** What fills the last block of the content. */
  padding?: number;
}

/** What a crafted file's header says where nothing else is asked for. */
export const CRAFTED_MTIME = 1_700_000_000;

/** Magic and version of GNU tar's own headers, and of those of before POSIX. */
export const GNU_MAGIC = 'ustar  \0';
export const NO_MAGIC = '';

/** A header, and the content in whole blocks, by code that shares nothing with what it tests. */
export function tarFile({ content = '', padding = 0, ...fields }: CraftedTarFile): Buffer {
  const data = Buffer.from(content);
  const header = Buffer.alloc(BLOCK_BYTES);
  put(header, fields.name, 0, 100);
  put(header, 0o644, 100, 8);
  put(header, 0, 108, 8);
  put(header, 0, 116, 8);
  put(header, fields.size ?? data.length, 124, 12);
  put(header, fields.mtime ?? CRAFTED_MTIME, 136, 12);
  put(header, '        ', 148, 8);
  put(header, fields.type ?? '0', 156, 1);
  put(header, fields.linkName ?? '', 157, 100);
  put(header, fields.magic ?? 'ustar\x0000', 257, 8);
  put(header, fields.prefix ?? '', 345, 155);
  const sum = header.reduce((total, byte) => total + byte, 0);
  put(header, fields.checksum ?? sum, 148, 8);
  const rest = -data.length & (BLOCK_BYTES - 1);
  return Buffer.concat([header, data, Buffer.alloc(rest, padding)]);
}

/** The zeros at a TAR's end: two blocks, and more where it is padded to a record. */
export function tarEnd(blocks = 2): Buffer {
  return Buffer.alloc(blocks * BLOCK_BYTES);
}

/** A TAR of files, or of bytes as they are, with its end. */
export function tar(files: readonly (CraftedTarFile | Buffer)[]): Buffer {
  return Buffer.concat([
    ...files.map((file) => (Buffer.isBuffer(file) ? file : tarFile(file))),
    tarEnd(),
  ]);
}

/** A pax header (type `x`, or `g` for a global one) of records by keyword, or of bytes as they are. */
export function tarPax(
  records: Readonly<Record<string, string | Buffer>> | Buffer,
  type = 'x',
): Buffer {
  const content = Buffer.isBuffer(records)
    ? records
    : Buffer.concat(Object.entries(records).map(([keyword, value]) => paxRecord(keyword, value)));
  return tarFile({ name: 'PaxHeader', type, content });
}

/** One record of a pax header: its length counts its own digits. */
export function paxRecord(keyword: string, value: string | Buffer): Buffer {
  const rest = Buffer.concat([Buffer.from(` ${keyword}=`), Buffer.from(value), Buffer.from('\n')]);
  let length = rest.length;
  while (String(length).length + rest.length !== length) {
    length = String(length).length + rest.length;
  }
  return Buffer.concat([Buffer.from(String(length)), rest]);
}

/** GNU's header of a long name (type `L`) or a link's long target (`K`). */
export function tarLongName(name: string | Buffer, type = 'L'): Buffer {
  const content = Buffer.concat([Buffer.from(name), Buffer.alloc(1)]);
  return tarFile({ name: '././@LongLink', type, content, magic: GNU_MAGIC });
}

/** A number as GNU tar writes one that octal digits can't: in base 256, the highest bit set. */
export function base256(value: bigint, length = 12): Buffer {
  const marked = BigInt.asUintN(8 * length, value) | (1n << BigInt(8 * length - 1));
  return Buffer.from(marked.toString(16).padStart(2 * length, '0'), 'hex');
}

function put(header: Buffer, field: TarField, start: number, length: number): void {
  const bytes =
    typeof field === 'number'
      ? Buffer.from(`${field.toString(8).padStart(length - 1, '0')}\0`)
      : Buffer.from(field);
  if (bytes.length > length) {
    throw new RangeError(`Expected ${length} bytes or fewer, got ${bytes.length}`);
  }
  bytes.copy(header, start);
}
