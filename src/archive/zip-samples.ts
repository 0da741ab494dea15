import { ArchiveError } from './errors.ts';
import { type ByteRange, readRanges } from './range-batch.ts';
import type { RangeReader } from './range-reader.ts';
import { FLAG_DATA_DESCRIPTOR } from './zip-entry.ts';
import { checkDescriptor, checkLocalHeader, DESCRIPTOR_LENGTHS, hiddenBytes } from './zip-local.ts';
import { LOCAL_HEADER_LENGTH, ZIP64_MARK_32 } from './zip-records.ts';
import type { Span } from './zip-spans.ts';

/**
 * How many samples are read at most. One tool gives its entries one to three layouts, aligned or with
 * Unicode Paths some dozens; more are made to keep the reader busy.
 */
const MAX_SAMPLES = 1000;

const MAX_DESCRIPTOR_LENGTH = Math.max(...DESCRIPTOR_LENGTHS);

/**
 * Entries that one tool wrote in one way, as far as the central directory shows: equal slack, flags,
 * method, versions and width. Their local extra fields and descriptors are taken to be equally long.
 */
interface LayoutClass {
  readonly sample: Span;
  /** Bytes of local extra fields, once the sample has been read. */
  extraLength: number;
}

/**
 * The offset of each entry's data, in the order of `spans`.
 *
 * An entry's slack is its local extra fields and its data descriptor, and only its local header says
 * how much is which. Reading every local header would be a request an entry. So the entries are put
 * into layout classes, and of each class the first record's header and descriptor are read and must
 * explain its slack to the byte. What that leaves open: the other entries of a class are believed on
 * their sample. Without bit 3 the data's offset follows from the record's end even so; what may hide
 * there is a local header that contradicts the central directory, or bytes in place of extra fields.
 * `verifyRecords` reads every header; with VERIFY=off nothing does.
 *
 * Classes without bit 3 and without slack need no sample: nothing is left to explain. The archive's
 * first entry is read always. Throws `ArchiveError` where a sample is not as the central directory
 * says, or where there are more than 1,000 layouts.
 */
export async function locateData(
  reader: RangeReader,
  spans: readonly Span[],
): Promise<readonly number[]> {
  const { classes, samples } = classify(spans);
  const ranges = samples.flatMap(({ sample }) => sampleRanges(sample));
  const bytes = await readRanges(reader, ranges);
  for (const [index, layout] of samples.entries()) {
    layout.extraLength = explainSlack(
      layout.sample,
      bytes[2 * index] as Buffer,
      bytes[2 * index + 1] as Buffer,
    );
  }
  return spans.map(
    ({ entry }, index) =>
      entry.recordStart +
      LOCAL_HEADER_LENGTH +
      entry.rawName.length +
      (classes[index] as LayoutClass).extraLength,
  );
}

function classify(spans: readonly Span[]): { classes: LayoutClass[]; samples: LayoutClass[] } {
  const byKey = new Map<string, LayoutClass>();
  const samples: LayoutClass[] = [];
  const classes = spans.map((span, index) => {
    const key = layoutKey(span);
    let layout = byKey.get(key);
    if (layout === undefined) {
      layout = { sample: span, extraLength: 0 };
      byKey.set(key, layout);
      if (index === 0 || span.slack > 0) samples.push(layout);
    }
    return layout;
  });
  if (samples.length > MAX_SAMPLES) {
    throw new ArchiveError(
      `The archive's ${spans.length} entries have local headers of ${samples.length} different layouts, the limit is ${MAX_SAMPLES}`,
    );
  }
  return { classes, samples };
}

function layoutKey({ slack, entry }: Span): string {
  const wide = entry.compressedSize >= ZIP64_MARK_32 || entry.uncompressedSize >= ZIP64_MARK_32;
  return `${slack} ${entry.flags} ${entry.method} ${entry.versionMadeBy} ${entry.versionNeeded} ${wide}`;
}

/** Where a record's header can be, at most, and where its descriptor can be. */
function sampleRanges({ entry, recordEnd, slack }: Span): [ByteRange, ByteRange] {
  const headerEnd = entry.recordStart + LOCAL_HEADER_LENGTH + entry.rawName.length + slack;
  return [
    { start: entry.recordStart, end: headerEnd },
    { start: recordEnd - Math.min(slack, maxDescriptorLength(entry)), end: recordEnd },
  ];
}

/** The length of a sample's local extra fields, after a check that they and the descriptor are its slack. */
function explainSlack({ entry, slack }: Span, header: Buffer, tail: Buffer): number {
  const extraLength = checkLocalHeader(entry, header) - LOCAL_HEADER_LENGTH - entry.rawName.length;
  const rest = slack - extraLength;
  const most = maxDescriptorLength(entry);
  if (rest > most) throw hiddenBytes(entry, rest - most);
  checkDescriptor(entry, tail.subarray(tail.length - rest));
  return extraLength;
}

function maxDescriptorLength({ flags }: Span['entry']): number {
  return flags & FLAG_DATA_DESCRIPTOR ? MAX_DESCRIPTOR_LENGTH : 0;
}
