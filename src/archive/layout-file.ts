import { createHash } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';
import { isLiteral, type ObjectLayout } from './layout.ts';
import type { Part, PartPlan, Span } from './part-plan.ts';
import type { RecordFacts } from './zip-verify.ts';

/** Version of the stored form; a worker that meets another one must not guess. */
const FORMAT = 1;

/** A layout as it is handed from the planning activity to the building ones. */
export interface StoredLayout {
  /** The object's size in bytes. */
  readonly size: number;
  readonly fingerprint: string;
  readonly parts: readonly Part[];
  readonly spans: readonly Span[];
  readonly entries: readonly RecordFacts[];
}

/**
 * Names the object that a layout makes: equal for the same bytes of the same source, whatever the
 * parts that it is uploaded in. `source` identifies the source object and its version.
 */
export function layoutFingerprint(layout: ObjectLayout, source: readonly string[]): string {
  const hash = createHash('sha256').update(JSON.stringify([FORMAT, ...source]));
  for (const piece of layout.pieces) {
    if (isLiteral(piece)) hash.update(`literal ${piece.bytes.length}\n`).update(piece.bytes);
    else hash.update(`range ${piece.start} ${piece.end}\n`);
  }
  return hash.digest('hex');
}

/** Writes a layout down: gzipped JSON, with bytes in base64. */
export function encodeLayout(layout: ObjectLayout, plan: PartPlan, fingerprint: string): Buffer {
  const entries = layout.entries.map((entry) => ({
    name: entry.name,
    rawName: entry.rawName,
    flags: entry.flags,
    method: entry.method,
    crc32: entry.crc32,
    compressedSize: entry.compressedSize,
    uncompressedSize: entry.uncompressedSize,
    recordStart: entry.recordStart,
    dataStart: entry.dataStart,
    recordEnd: entry.recordEnd,
  })) satisfies RecordFacts[];
  const stored = { format: FORMAT, size: layout.size, fingerprint, ...plan, entries };
  return gzipSync(
    JSON.stringify(stored, function (this: Record<string, unknown>, key, value) {
      // Buffer has a toJSON that spells out each byte, and it has run when we are asked.
      const original = this[key];
      return Buffer.isBuffer(original) ? { base64: original.toString('base64') } : value;
    }),
  );
}

/** Reads what {@link encodeLayout} wrote. Throws on any other format. */
export function decodeLayout(bytes: Buffer): StoredLayout {
  const stored = JSON.parse(gunzipSync(bytes).toString('utf8'), (_key, value) =>
    typeof value?.base64 === 'string' ? Buffer.from(value.base64, 'base64') : value,
  );
  if (stored.format !== FORMAT) {
    throw new Error(`Expected a layout of format ${FORMAT}, got ${stored.format}`);
  }
  return stored;
}
