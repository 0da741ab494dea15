import { join } from 'node:path';
import { dataDir } from '../../src/local/paths.ts';
import { thisMachine } from '../measure/machine.ts';
import { describeOrigin } from './origin.ts';
import { markdownTable, plainTable, type Row } from './table.ts';
import { writeDocument, writeJson } from './write.ts';

/** What people are told of a measurement. */
export interface Report {
  /** Of the file with all figures, and of the section in docs/benchmarks.md. */
  readonly name: string;
  readonly subject: string;
  readonly tables: readonly Row[][];
  readonly notes: readonly string[];
}

/** Where a report goes. */
export interface PublishOptions {
  /** The file for all figures; in the data folder by default. */
  readonly json?: string;
  /** Puts it into docs/benchmarks.md too. */
  readonly docs?: true;
}

/** Prints a report for people, and keeps all figures. */
export async function publish(
  { name, subject, tables, notes }: Report,
  figures: object,
  { json, docs }: PublishOptions,
): Promise<void> {
  const machine = thisMachine();
  const measuredAt = new Date().toISOString();
  const origin = describeOrigin(machine, measuredAt);
  const plain = [...tables.map(plainTable), notes.map((note) => `  ${note}`).join('\n')];
  console.log(['', `  ${subject}`, `  ${origin}`, ...plain].join('\n\n'));
  const file = json ?? join(dataDir(process.env), 'bench', `${name}.json`);
  await writeJson(file, { machine, measuredAt, ...figures });
  console.error(`  All figures are in ${file}`);
  if (!docs) return;
  const parts = [`${subject}. ${origin}.`, ...tables.map(markdownTable), notes.join(' ')];
  await writeDocument(name, parts.join('\n\n'));
}
