/** One item of a batch. */
export interface Item {
  /** Unique within the batch. */
  readonly id: string;
  /** A whole number from 0 to {@link MAX_VALUE}. */
  readonly value: number;
  /** What else the source says of the item: the other columns of a CSV file, the other fields of a line of JSON. */
  readonly fields: Readonly<Record<string, unknown>>;
}

/** The largest value of an item. */
export const MAX_VALUE = 1000;

/** Bytes of an id: failures and messages repeat it. */
export const MAX_ID_BYTES = 1024;

/** An item of a file, and where its record lies. Lines are counted from 1. */
export interface ItemRecord {
  readonly item: Item;
  /** Offset just behind the record and its line break, in bytes. */
  readonly end: number;
  /** The line that the record begins on. */
  readonly line: number;
  /** The line that `end` lies on. */
  readonly nextLine: number;
}

const NO_FIELDS = Object.freeze({});

/** An item without anything else to say of it. */
export function plainItem(id: string, value: number): Item {
  return { id, value, fields: NO_FIELDS };
}

/** What is wrong with an id, as the end of a sentence that begins with it; undefined where nothing is. */
export function idFlaw(id: unknown): string | undefined {
  if (typeof id !== 'string') return 'is not text';
  if (id === '') return 'is empty';
  // What is not UTF-8 is read as this character: two ids could become one.
  if (id.includes('\ufffd') || !id.isWellFormed()) return 'is not UTF-8 text';
  return Buffer.byteLength(id) > MAX_ID_BYTES ? `has more than ${MAX_ID_BYTES} bytes` : undefined;
}

/** What is wrong with a value, as the end of a sentence that begins with it; undefined where nothing is. */
export function valueFlaw(value: unknown): string | undefined {
  const isValue = Number.isInteger(value) && Number(value) >= 0 && Number(value) <= MAX_VALUE;
  return isValue ? undefined : `is not a whole number from 0 to ${MAX_VALUE}`;
}
