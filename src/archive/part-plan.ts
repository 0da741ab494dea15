import {
  type AnyPiece,
  isLiteral,
  type ObjectLayout,
  type Piece,
  pieceLength,
  type SourceRange,
} from './layout.ts';

const MIB = 1024 * 1024;

/** S3: every part but the last has at least this size, and an upload at most so many parts. */
const S3_MIN_PART_BYTES = 5 * MIB;
const S3_MAX_PARTS = 10_000;

/**
 * A long run is split evenly into copies of about this size: large enough that requests don't
 * count, small enough that several are under way at once and little is lost with one.
 */
const COPY_TARGET_BYTES = 32 * MIB;

/** Pieces are joined in memory up to about this size before they are uploaded as a part. */
const JOIN_TARGET_BYTES = 8 * MIB;

/** Entries are verified in stretches of about this size, each a single read. */
const SPAN_TARGET_BYTES = 32 * MIB;

/** A part that S3 copies from a source by itself; the range is `size` bytes long. */
export interface CopyPart {
  readonly kind: 'copy';
  readonly number: number;
  readonly size: number;
  /** Index of the source; a layout of one source has none. */
  readonly source?: number;
  readonly start: number;
}

/**
 * A part that is put together in memory. A source range in it that carries an `entry` is all that
 * the object takes of this entry, so that the entry can be verified while it passes.
 */
export interface JoinPart<P extends AnyPiece = Piece> {
  readonly kind: 'join';
  readonly number: number;
  readonly size: number;
  readonly pieces: readonly P[];
}

/** A part of the multipart upload; numbers run from 1, as S3 has them. */
export type Part<P extends AnyPiece = Piece> = CopyPart | JoinPart<P>;

/** The pieces of an object in order, and its size in bytes. */
export interface CuttableLayout<P extends AnyPiece> {
  readonly size: number;
  readonly pieces: readonly P[];
}

/** Entries that lie side by side in the source and are verified by one read; indexes, `last` included. */
export interface Span {
  readonly first: number;
  readonly last: number;
}

export interface PartPlan {
  readonly parts: readonly Part[];
  /** What has to be read beside the parts, to verify the entries that no joined part holds whole. */
  readonly spans: readonly Span[];
}

/** How parts are cut. Sizes in bytes, for tests; their defaults are S3's limits and measured targets. */
export interface PartOptions {
  /**
   * False where S3 does not copy from the source: neighbours are then joined, too, so that they are
   * verified while they pass, not by a read of their own. True by default.
   */
  readonly rangeCopy?: boolean;
  readonly minPart?: number;
  readonly copyTarget?: number;
  readonly joinTarget?: number;
  readonly maxParts?: number;
}

/** Cuts a layout into parts, see {@link cutParts}, and finds what has to be read to verify its entries. */
export function planParts(layout: ObjectLayout, options: PartOptions = {}): PartPlan {
  const parts = cutParts(layout, options);
  return { parts, spans: planSpans(layout, parts) };
}

/**
 * Cuts a layout into the parts of a multipart upload. A run of a source that is long enough
 * becomes copies, evenly split so that none is short; what lies between is joined into parts of at
 * least the minimum size, borrowing from the front of the next run where it has to. Only the last
 * part may be shorter. The minimum grows with the object, so that the number of parts suffices.
 */
export function cutParts<P extends AnyPiece>(
  layout: CuttableLayout<P>,
  options: PartOptions = {},
): Part<P>[] {
  const { rangeCopy = true, ...sizes } = options;
  const maxParts = sizes.maxParts ?? S3_MAX_PARTS;
  const minPart = Math.max(
    sizes.minPart ?? S3_MIN_PART_BYTES,
    Math.ceil(layout.size / (maxParts - 1)),
  );
  const joinTarget = Math.max(sizes.joinTarget ?? JOIN_TARGET_BYTES, minPart);
  const copyTarget = Math.max(sizes.copyTarget ?? COPY_TARGET_BYTES, minPart);

  const parts: Part<P>[] = [];
  let open: P[] = [];
  let openSize = 0;

  const join = (piece: P) => {
    open.push(piece);
    openSize += pieceLength(piece);
  };
  const close = () => {
    parts.push({ kind: 'join', number: parts.length + 1, size: openSize, pieces: open });
    open = [];
    openSize = 0;
  };
  const copy = ({ start, ...range }: SourceRange, end: number) => {
    const source = range.source === undefined ? {} : { source: range.source };
    const count = Math.min(
      Math.ceil((end - start) / copyTarget),
      Math.floor((end - start) / minPart),
    );
    for (let i = 0; i < count; i++) {
      const from = start + Math.floor(((end - start) * i) / count);
      const to = start + Math.floor(((end - start) * (i + 1)) / count);
      const number = parts.length + 1;
      parts.push({ kind: 'copy', number, size: to - from, ...source, start: from });
    }
  };

  for (const run of rangeCopy ? runsOf(layout.pieces) : eachAlone(layout.pieces)) {
    let next = 0;
    let rest = run[0];
    // An open part below the minimum takes what it lacks from the front of the run.
    while (rest && openSize > 0 && openSize < minPart) {
      if (!isRange(rest) || pieceLength(rest) <= joinTarget) {
        join(rest);
        rest = run[++next];
      } else {
        const [front, behind] = splitRange(rest, minPart - openSize);
        join(front);
        rest = behind;
      }
    }
    const last = run.at(-1);
    if (rest && last && isRange(rest) && isRange(last) && last.end - rest.start >= minPart) {
      if (openSize > 0) close();
      copy(rest, last.end);
      continue;
    }
    for (; rest; rest = run[++next]) {
      join(rest);
      // A header stays with what it is the header of.
      if (openSize >= joinTarget && isKnown(rest)) close();
    }
  }
  if (openSize > 0) close();
  return parts;
}

/** Whether it is known where a piece's bytes are; those of others depend on what comes behind them. */
function isKnown(piece: AnyPiece): boolean {
  return isRange(piece) || 'bytes' in piece;
}

function isRange<P extends AnyPiece>(piece: P): piece is P & SourceRange {
  return 'start' in piece;
}

/** The first `length` bytes of a range and the rest; neither is all that is taken of an entry any more. */
function splitRange<P extends AnyPiece>(range: P & SourceRange, length: number): [P, P] {
  const { entry: _, ...kept } = range;
  const border = range.start + length;
  return [
    { ...kept, end: border } as P & SourceRange,
    { ...kept, start: border } as P & SourceRange,
  ];
}

/** Splits pieces into runs: a literal alone, or ranges of one source each of which begins where the one before ends. */
function* runsOf<P extends AnyPiece>(pieces: readonly P[]): Generator<readonly P[]> {
  let run: P[] = [];
  let last: P | undefined;
  for (const piece of pieces) {
    if (last && !isNeighbour(last, piece)) {
      yield run;
      run = [];
    }
    run.push(piece);
    last = piece;
  }
  if (run.length > 0) yield run;
}

function isNeighbour(before: AnyPiece, piece: AnyPiece): boolean {
  return (
    isRange(before) &&
    isRange(piece) &&
    piece.start === before.end &&
    piece.source === before.source
  );
}

function* eachAlone<P extends AnyPiece>(pieces: readonly P[]): Generator<readonly P[]> {
  for (const piece of pieces) yield [piece];
}

/** Groups the entries that no joined part holds whole into stretches that one read covers. */
function planSpans({ entries }: ObjectLayout, parts: readonly Part[]): Span[] {
  const held = new Set<number>();
  for (const part of parts) {
    if (part.kind === 'copy') continue;
    for (const piece of part.pieces) {
      if (!isLiteral(piece) && piece.entry !== undefined) held.add(piece.entry);
    }
  }
  const spans: { first: number; last: number }[] = [];
  let spanEnd = -1;
  let spanBytes = 0;
  entries.forEach((entry, index) => {
    if (held.has(index)) return;
    const span = spans.at(-1);
    if (span && entry.recordStart === spanEnd && spanBytes < SPAN_TARGET_BYTES) {
      span.last = index;
    } else {
      spans.push({ first: index, last: index });
      spanBytes = 0;
    }
    spanEnd = entry.recordEnd;
    spanBytes += entry.recordEnd - entry.recordStart;
  });
  return spans;
}
