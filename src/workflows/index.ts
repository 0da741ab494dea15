export { buildBatch } from './build-batch.ts';
export { processItems } from './process-items.ts';
export { processShard } from './process-shard.ts';
export { routeFile } from './route-file.ts';
export { splitArchive } from './split-archive.ts';
export { zipFiles } from './zip-files.ts';
