import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PACKAGE_ROOT } from '../../src/local/paths.ts';

const DOCUMENT = join(PACKAGE_ROOT, 'docs', 'benchmarks.md');

/** Writes all that was measured. */
export async function writeJson(file: string, content: object): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, `${JSON.stringify(content, null, 2)}\n`);
}

/**
 * Replaces a section of docs/benchmarks.md, between `<!-- <name>: begin -->` and `<!-- <name>: end -->`,
 * so that no figure in it is copied by hand.
 */
export async function writeDocument(name: string, markdown: string): Promise<void> {
  const [begin, end] = [`<!-- ${name}: begin -->`, `<!-- ${name}: end -->`];
  const text = await readFile(DOCUMENT, 'utf8');
  const from = text.indexOf(begin);
  const to = text.indexOf(end);
  if (from === -1 || to < from) throw new Error(`Expected ${begin} and ${end} in ${DOCUMENT}`);
  const before = text.slice(0, from + begin.length);
  await writeFile(DOCUMENT, `${before}\n${markdown.trim()}\n${text.slice(to)}`);
}
