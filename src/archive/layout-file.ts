import { createHash } from 'node:crypto';
import { constants, gunzipSync, gzipSync } from 'node:zlib';
import { isLiteral, type ObjectLayout, type SourceRange } from './layout.ts';
import type { CopyPart, JoinPart, Part, PartPlan, Span } from './part-plan.ts';
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
  const json: LayoutJson = {
    format: FORMAT,
    size: layout.size,
    fingerprint,
    parts: plan.parts.map(partToJson),
    spans: plan.spans,
    entries: layout.entries.map((entry) => ({
      name: entry.name,
      rawName: entry.rawName.toString('base64'),
      flags: entry.flags,
      method: entry.method,
      crc32: entry.crc32,
      compressedSize: entry.compressedSize,
      uncompressedSize: entry.uncompressedSize,
      recordStart: entry.recordStart,
      dataStart: entry.dataStart,
      recordEnd: entry.recordEnd,
    })),
  };
  return gzipSync(JSON.stringify(json), { level: constants.Z_BEST_SPEED });
}

/** Reads what {@link encodeLayout} wrote. Throws on any other format. */
export function decodeLayout(bytes: Buffer): StoredLayout {
  const json: LayoutJson = JSON.parse(gunzipSync(bytes).toString('utf8'));
  if (json.format !== FORMAT) {
    throw new Error(`Expected a layout of format ${FORMAT}, got ${json.format}`);
  }
  return {
    ...json,
    parts: json.parts.map(partFromJson),
    entries: json.entries.map((entry) => ({
      ...entry,
      rawName: Buffer.from(entry.rawName, 'base64'),
    })),
  };
}

interface LayoutJson {
  readonly format: number;
  readonly size: number;
  readonly fingerprint: string;
  readonly parts: readonly PartJson[];
  readonly spans: readonly Span[];
  readonly entries: readonly (Omit<RecordFacts, 'rawName'> & { readonly rawName: string })[];
}

type PartJson =
  | CopyPart
  | (Omit<JoinPart, 'pieces'> & {
      readonly pieces: readonly (SourceRange | { readonly base64: string })[];
    });

function partToJson(part: Part): PartJson {
  if (part.kind === 'copy') return part;
  const pieces = part.pieces.map((piece) =>
    isLiteral(piece) ? { base64: piece.bytes.toString('base64') } : piece,
  );
  return { ...part, pieces };
}

function partFromJson(part: PartJson): Part {
  if (part.kind === 'copy') return part;
  const pieces = part.pieces.map((piece) =>
    'base64' in piece ? { bytes: Buffer.from(piece.base64, 'base64') } : piece,
  );
  return { ...part, pieces };
}
