import { gzipSync } from 'node:zlib';
import {
  type ExportContent,
  exportOf,
  filesOf,
  imageBytesOf,
  plainRow,
  zipByPython,
} from './export-fixtures.ts';
import { tar } from './tar-crafting.ts';

/** An archive of an export, and the end of its file name. */
export interface TestArchive {
  readonly content: ExportContent;
  readonly suffix: '.zip' | '.tar' | '.tar.gz';
  readonly bytes: Buffer;
}

/** Each has its images first, and the manifest behind them. */
export function zipArchive(content: ExportContent): TestArchive {
  return { content, suffix: '.zip', bytes: zipByPython(filesOf(content)) };
}

export function tarArchive(content: ExportContent): TestArchive {
  const files = filesOf(content).map(([name, data]) => ({ name, content: data }));
  return { content, suffix: '.tar', bytes: tar(files) };
}

/** @param level zlib's; 0 stores the bytes as they are, which costs nothing */
export function tarGzArchive(content: ExportContent, level = 0): TestArchive {
  const bytes = gzipSync(tarArchive(content).bytes, { level });
  return { content, suffix: '.tar.gz', bytes };
}

/** An export of so many rows, whose images of `imageBytes` compress to about a twentieth. */
export function compressibleExport(rows: number, imageBytes: number): ExportContent {
  const names = Array.from({ length: rows }, (_, index) => `scan-${index + 1}.jpg`);
  const images = new Map(
    names.map((name) => {
      const texture = imageBytesOf(name, Math.ceil(imageBytes / 20));
      return [name, Buffer.alloc(imageBytes, texture)];
    }),
  );
  return { ...exportOf(names.map(plainRow), { imageBytes: 0 }), images };
}
