import { crc32, deflateRawSync } from 'node:zlib';

const METHOD_DEFLATE = 8;
const NOTHING = Buffer.alloc(0);

/** The fields of a local or central header that a crafted entry can lie about. */
export interface HeaderFields {
  name: string | Buffer;
  flags: number;
  method: number;
  crc: number;
  compressedSize: number;
  uncompressedSize: number;
  extra: Buffer;
  /** In the central directory only. */
  offset: number;
  disk: number;
  madeBy: number;
  externalAttributes: number;
  comment: Buffer;
}

/** An entry of a crafted archive: honest, but for what `local` and `central` put in its place. */
export interface CraftedEntry {
  name: string | Buffer;
  data?: Buffer;
  method?: number;
  flags?: number;
  /** What lies in place of the deflated or stored data. */
  payload?: Buffer;
  descriptor?: Buffer;
  /** Bytes between this record and the next one. */
  gap?: Buffer;
  local?: Partial<HeaderFields>;
  central?: Partial<HeaderFields>;
}

/** The fields of the end of central directory record that a crafted archive can lie about. */
export interface EndFields {
  disk: number;
  directoryDisk: number;
  countOnDisk: number;
  count: number;
  length: number;
  offset: number;
  comment: Buffer;
  commentLength: number;
}

export interface CraftOptions {
  prefix?: Buffer;
  /** Bytes between the central directory and the end record: Zip64 records, say. */
  beforeEnd?: (directory: { count: number; offset: number; length: number }) => Buffer;
  end?: Partial<EndFields>;
  suffix?: Buffer;
}

/** An archive written byte by byte, by code that shares nothing with what it tests. */
export function craftZip(entries: readonly CraftedEntry[], options: CraftOptions = {}): Buffer {
  const records: Buffer[] = [options.prefix ?? NOTHING];
  const headers: Buffer[] = [];
  let offset = records[0]?.length ?? 0;
  for (const entry of entries) {
    const data = entry.data ?? NOTHING;
    const method = entry.method ?? 0;
    const payload = entry.payload ?? (method === METHOD_DEFLATE ? deflateRawSync(data) : data);
    const fields: HeaderFields = {
      name: entry.name,
      flags: entry.flags ?? 0,
      method,
      crc: crc32(data),
      compressedSize: payload.length,
      uncompressedSize: data.length,
      extra: NOTHING,
      offset,
      disk: 0,
      madeBy: 0x031e,
      externalAttributes: 0,
      comment: NOTHING,
    };
    const record = Buffer.concat([
      craftLocal({ ...fields, ...entry.local }),
      payload,
      entry.descriptor ?? NOTHING,
      entry.gap ?? NOTHING,
    ]);
    records.push(record);
    offset += record.length;
    headers.push(craftCentral({ ...fields, ...entry.central }));
  }
  const directory = Buffer.concat(headers);
  const extent = { count: entries.length, offset, length: directory.length };
  return Buffer.concat([
    ...records,
    directory,
    options.beforeEnd?.(extent) ?? NOTHING,
    craftEnd({
      disk: 0,
      directoryDisk: 0,
      countOnDisk: extent.count,
      comment: NOTHING,
      ...extent,
      ...options.end,
    }),
    options.suffix ?? NOTHING,
  ]);
}

function craftLocal(fields: HeaderFields): Buffer {
  const name = Buffer.from(fields.name);
  const header = Buffer.alloc(30);
  header.write('PK\x03\x04', 'latin1');
  header.writeUInt16LE(20, 4);
  writeShared(header.subarray(6), fields, name);
  return Buffer.concat([header, name, fields.extra]);
}

function craftCentral(fields: HeaderFields): Buffer {
  const name = Buffer.from(fields.name);
  const header = Buffer.alloc(46);
  header.write('PK\x01\x02', 'latin1');
  header.writeUInt16LE(fields.madeBy, 4);
  header.writeUInt16LE(20, 6);
  writeShared(header.subarray(8), fields, name);
  header.writeUInt16LE(fields.comment.length, 32);
  header.writeUInt16LE(fields.disk, 34);
  header.writeUInt32LE(fields.externalAttributes, 38);
  header.writeUInt32LE(fields.offset, 42);
  return Buffer.concat([header, name, fields.extra, fields.comment]);
}

/** From the flags to the length of the extra fields, both headers are the same. */
function writeShared(target: Buffer, fields: HeaderFields, name: Buffer): void {
  target.writeUInt16LE(fields.flags, 0);
  target.writeUInt16LE(fields.method, 2);
  target.writeUInt16LE(0x6c20, 4);
  target.writeUInt16LE(0x5a21, 6);
  target.writeUInt32LE(fields.crc, 8);
  target.writeUInt32LE(fields.compressedSize, 12);
  target.writeUInt32LE(fields.uncompressedSize, 16);
  target.writeUInt16LE(name.length, 20);
  target.writeUInt16LE(fields.extra.length, 22);
}

export function craftEnd(
  fields: Omit<EndFields, 'commentLength'> & { commentLength?: number },
): Buffer {
  const end = Buffer.alloc(22);
  end.write('PK\x05\x06', 'latin1');
  end.writeUInt16LE(fields.disk, 4);
  end.writeUInt16LE(fields.directoryDisk, 6);
  end.writeUInt16LE(fields.countOnDisk, 8);
  end.writeUInt16LE(fields.count, 10);
  end.writeUInt32LE(fields.length, 12);
  end.writeUInt32LE(fields.offset, 16);
  end.writeUInt16LE(fields.commentLength ?? fields.comment.length, 20);
  return Buffer.concat([end, fields.comment]);
}

/** The Zip64 end record and its locator (APPNOTE.TXT 4.3.14, 4.3.15), with a place for each lie. */
export function craftZip64End(
  { count, offset, length }: { count: number; offset: number; length: number },
  lies: { count?: number; length?: number; offset?: number; at?: number; disks?: number } = {},
): Buffer {
  const bytes = Buffer.alloc(76);
  bytes.write('PK\x06\x06', 'latin1');
  bytes.writeBigUInt64LE(44n, 4);
  bytes.writeUInt16LE(45, 12);
  bytes.writeUInt16LE(45, 14);
  bytes.writeBigUInt64LE(BigInt(lies.count ?? count), 24);
  bytes.writeBigUInt64LE(BigInt(lies.count ?? count), 32);
  bytes.writeBigUInt64LE(BigInt(lies.length ?? length), 40);
  bytes.writeBigUInt64LE(BigInt(lies.offset ?? offset), 48);
  bytes.write('PK\x06\x07', 56, 'latin1');
  bytes.writeBigUInt64LE(BigInt(lies.at ?? offset + length), 64);
  bytes.writeUInt32LE(lies.disks ?? 1, 72);
  return bytes;
}

/** An extra field (APPNOTE.TXT 4.5.1). */
export function craftExtra(id: number, data: Buffer): Buffer {
  const header = Buffer.alloc(4);
  header.writeUInt16LE(id, 0);
  header.writeUInt16LE(data.length, 2);
  return Buffer.concat([header, data]);
}

/** A Zip64 extra field with the values given (APPNOTE.TXT 4.5.3). */
export function craftZip64Extra(...values: readonly number[]): Buffer {
  const data = Buffer.alloc(8 * values.length);
  values.forEach((value, index) => {
    data.writeBigUInt64LE(BigInt(value), 8 * index);
  });
  return craftExtra(0x0001, data);
}

/** A data descriptor (APPNOTE.TXT 4.3.9) of one of the four forms. */
export function craftDescriptor(
  data: Buffer,
  form: { signed: boolean; wide: boolean },
  compressedSize = data.length,
): Buffer {
  const fields = Buffer.alloc(form.wide ? 20 : 12);
  fields.writeUInt32LE(crc32(data), 0);
  for (const [index, size] of [compressedSize, data.length].entries()) {
    if (form.wide) fields.writeBigUInt64LE(BigInt(size), 4 + 8 * index);
    else fields.writeUInt32LE(size, 4 + 4 * index);
  }
  return Buffer.concat([form.signed ? Buffer.from('PK\x07\x08', 'latin1') : NOTHING, fields]);
}
