import fc from 'fast-check';
import type { ItemRecord } from '../../src/items/item.ts';
import type { ItemRules, RecordReader } from '../../src/items/record-reader.ts';

/** How a whole file is read. */
export const WHOLE: ItemRules = {
  name: 's3://bucket/key',
  start: 0,
  line: 1,
  maxRecordBytes: 10_000,
  ignoresValue: false,
};

/** Sizes of the blocks that a file comes in, over and over. */
export const cuts = fc.oneof(
  fc.constant([1]),
  fc.constant([100_000]),
  fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 8 }),
);

/** What a reader finds in bytes that come in blocks. */
export async function readCut(
  reader: RecordReader,
  bytes: Buffer,
  blocks: readonly number[] = [100_000],
): Promise<ItemRecord[]> {
  const records: ItemRecord[] = [];
  let start = 0;
  for (let number = 0; start < bytes.length; number++) {
    const end = start + (blocks[number % blocks.length] as number);
    records.push(...(await reader.push(bytes.subarray(start, end))));
    start = end;
  }
  return [...records, ...(await reader.end())];
}

/** The line that an offset lies on, from 1. */
export function lineAt(text: Buffer, offset: number): number {
  return text.subarray(0, offset).filter((byte) => byte === 0x0a).length + 1;
}
