import { randomBytes } from 'node:crypto';
import { basename } from 'node:path';
import { expect } from 'vitest';
import { hashesByPython, sha256 } from './split-case.ts';
import type { ZipCase } from './zip-case.ts';

const MIB = 1024 * 1024;

/** Objects in S3: their keys, and what is in them. */
export type PutObjects = readonly (readonly [key: string, data: Buffer])[];

export interface ObjectsOptions {
  readonly count: number;
  readonly mib: number;
  /** Gives S3 the CRC-32 of each; false leaves it to be found out. */
  readonly checksum?: boolean;
  /** What is in each; random bytes by default. */
  readonly content?: (size: number) => Buffer;
  readonly folder?: string;
}

/** Puts objects of equal size into the source bucket. */
export async function putObjects(
  zip: ZipCase,
  { count, mib, checksum = false, content = randomBytes, folder = 'objects' }: ObjectsOptions,
): Promise<PutObjects> {
  const objects = Array.from(
    { length: count },
    (_, index) => [`${folder}/${index}.bin`, content(mib * MIB)] as const,
  );
  await zip.put(objects, { checksum });
  return objects;
}

/** Bytes that are deflated in no time. */
export function repetitive(size: number): Buffer {
  return Buffer.alloc(size, randomBytes(64));
}

/** The files of a job that wants these objects. */
export function filesOf(objects: PutObjects): { source: string }[] {
  return objects.map(([source]) => ({ source }));
}

/** Asserts that an archive has these objects, in order, and that nothing else is in its bucket but what is said. */
export async function expectArchive(
  zip: ZipCase,
  key: string,
  objects: PutObjects,
  keys: readonly string[] = [key],
): Promise<void> {
  const archive = await zip.archive(key);
  expect(hashesByPython(archive)).toEqual(
    objects.map(([name, data]) => [basename(name), sha256(data)]),
  );
  expect(await zip.keys()).toEqual(keys);
}
