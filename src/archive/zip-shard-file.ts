import { decode, encode } from './json-file.ts';
import type { Literal } from './layout.ts';
import type { CopyPart, JoinPart } from './part-plan.ts';
import type { ArchivedFile, ZipPiece } from './zip-layout.ts';

/** A piece of an archive of which some bytes may be known already. */
export type PlannedPiece = ZipPiece | Literal;

export type PlannedPart = CopyPart | JoinPart<PlannedPiece>;

/** An object that ranges are taken from, in one version. */
export interface PlannedSource {
  readonly bucket: string;
  readonly key: string;
  readonly etag: string;
  /** In bytes. */
  readonly size: number;
  /** What the archive calls it, where it is a file of the archive. */
  readonly file?: ArchivedFile;
}

/** Parts that are made together, and the sources that they take ranges of, by index. */
export interface StoredShard {
  readonly parts: readonly PlannedPart[];
  readonly sources: ReadonlyMap<number, PlannedSource>;
}

/** Writes a shard down: gzipped JSON, with bytes in base64. */
export function encodeShard({ parts, sources }: StoredShard): Buffer {
  return encode({ parts: parts.map(partToJson), sources: [...sources] });
}

/** Reads what {@link encodeShard} wrote. Throws on any other format. */
export function decodeShard(bytes: Buffer): StoredShard {
  const { parts, sources } = decode<ShardJson>(bytes);
  return { parts: parts.map(partFromJson), sources: new Map(sources) };
}

interface ShardJson {
  readonly parts: readonly PartJson[];
  readonly sources: readonly [number, PlannedSource][];
}

type PartJson =
  | CopyPart
  | (Omit<JoinPart, 'pieces'> & { readonly pieces: readonly (ZipPiece | { base64: string })[] });

function partToJson(part: PlannedPart): PartJson {
  if (part.kind === 'copy') return part;
  const pieces = part.pieces.map((piece) =>
    'bytes' in piece ? { base64: piece.bytes.toString('base64') } : piece,
  );
  return { ...part, pieces };
}

function partFromJson(part: PartJson): PlannedPart {
  if (part.kind === 'copy') return part;
  const pieces = part.pieces.map((piece) =>
    'base64' in piece ? { bytes: Buffer.from(piece.base64, 'base64') } : piece,
  );
  return { ...part, pieces };
}
