import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConfigError } from '../config.ts';
import type { CreateProcessor, Processor, ProcessorTools } from './processor.ts';
import createS3Checksum from './s3-checksum.ts';
import createSleep from './sleep.ts';

/** The processors that every worker has. */
const BUILT_IN: readonly CreateProcessor[] = [createSleep, createS3Checksum];

/** The processors of a worker, by name. */
export type Processors = ReadonlyMap<string, Processor>;

/**
 * Makes the processors of a worker: those that are built in, and those of the files or packages that
 * `PROCESSORS` names.
 *
 * @param modules paths, from the working directory on where they begin with `.`, or names of packages
 * @throws ConfigError where one can't be loaded, is no processor, or has a name that is taken
 */
export async function loadProcessors(
  modules: readonly string[],
  tools: ProcessorTools,
): Promise<Processors> {
  const processors = new Map<string, Processor>();
  const add = (create: CreateProcessor, origin: string) => {
    const processor = create(tools);
    assertProcessor(processor, origin);
    if (processors.has(processor.name)) {
      throw unusable(origin, `a processor with a name of its own, got "${processor.name}" again`);
    }
    processors.set(processor.name, processor);
  };
  for (const create of BUILT_IN) add(create, create.name);
  for (const name of modules) add(await load(name), name);
  return processors;
}

/** The processor of a name. Throws {@link ConfigError}, which lists those that there are. */
export function findProcessor(processors: Processors, name: string): Processor {
  const processor = processors.get(name);
  if (processor) return processor;
  throw new ConfigError(
    `No processor is called "${name}"; this worker has ${[...processors.keys()].join(', ')}; PROCESSORS adds others, on all workers of the task queue`,
  );
}

async function load(name: string): Promise<CreateProcessor> {
  const specifier = /^[./]/.test(name) ? pathToFileURL(resolve(name)).href : name;
  let module: { default?: unknown };
  try {
    module = await import(specifier);
  } catch (error) {
    const { message } = error as Error;
    throw unusable(name, `a file or package that can be loaded: ${message}`, { cause: error });
  }
  if (typeof module.default === 'function') return module.default as CreateProcessor;
  throw unusable(name, `a function as the default export, got ${typeof module.default}`);
}

function assertProcessor(processor: Processor, origin: string): void {
  if (typeof processor?.name === 'string' && typeof processor.process === 'function') return;
  throw unusable(origin, 'a function that gives { name, process(item, context) }');
}

function unusable(origin: string, expected: string, options?: ErrorOptions): ConfigError {
  return new ConfigError(`PROCESSORS: ${origin}: expected ${expected}`, options);
}
