import type { CreateProcessor } from '../../src/processors/processor.ts';

/** Does nothing: what is left is what a batch costs by itself. */
const createNoop: CreateProcessor = () => ({ name: 'noop', process() {} });

export default createNoop;
