export { buildBatch } from './build-batch.ts';
export { splitArchive } from './split-archive.ts';
export { zipFiles } from './zip-files.ts';
