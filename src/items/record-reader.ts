import { ItemsError } from './errors.ts';
import { type Item, type ItemRecord, idFlaw, plainItem, valueFlaw } from './item.ts';

/** How a file of items is read, and from where on. */
export interface ItemRules {
  /** The file, as `s3://bucket/key`, for messages. */
  readonly name: string;
  /** Where reading begins: an offset in bytes, and the line that it lies on, from 1. */
  readonly start: number;
  readonly line: number;
  /** Bytes of one record at most. */
  readonly maxRecordBytes: number;
  /** Whether the value may be left out. */
  readonly ignoresValue: boolean;
}

/** Finds the items in the bytes of a file, which come in order. */
export interface RecordReader {
  /** The items that these bytes complete. */
  push(bytes: Buffer): Promise<readonly ItemRecord[]>;
  /** The items that the end of the file completes. */
  end(): Promise<readonly ItemRecord[]>;
}

/** The item that an id and a value make. Throws {@link ItemsError} where they make none. */
export function checkItem(rules: ItemRules, line: number, id: unknown, value: unknown): Item {
  const flaw = idFlaw(id);
  if (flaw) throw lineError(rules, line, `the id ${show(id)} ${flaw}`);
  if (rules.ignoresValue && (value === undefined || value === '')) {
    return plainItem(id as string, 0);
  }
  const wrong = valueFlaw(value);
  if (wrong) throw lineError(rules, line, `the value ${show(value)} ${wrong}`);
  return plainItem(id as string, value as number);
}

/** An error of a file by its line. */
export function lineError({ name }: ItemRules, line: number, problem: string): ItemsError {
  return new ItemsError(`${name}, line ${line}: ${problem}`);
}

/** Characters of what came instead that a message shows. */
const SHOWN_CHARACTERS = 80;

function show(value: unknown): string {
  if (value === undefined) return '(nothing)';
  const text = JSON.stringify(value);
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text;
}
