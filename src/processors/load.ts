import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ConfigError } from '../config.ts';
import type {
  CreateProcessor,
  FileProcessor,
  ItemProcessor,
  Processor,
  ProcessorTools,
} from './processor.ts';
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

/** The processor of items of a name. Throws {@link ConfigError}, which lists those that there are. */
export function findItemProcessor(processors: Processors, name: string): ItemProcessor {
  return find([...processors.values()].filter(isItemProcessor), 'items', name);
}

/** The processor of files of a name. Throws {@link ConfigError}, which lists those that there are. */
export function findFileProcessor(processors: Processors, name: string): FileProcessor {
  return find([...processors.values()].filter(isFileProcessor), 'files', name);
}

/** The names of the processors of files. */
export function fileProcessorNames(processors: Processors): string[] {
  return [...processors.values()].filter(isFileProcessor).map(({ name }) => name);
}

function find<P extends Processor>(processors: readonly P[], kind: string, name: string): P {
  const processor = processors.find((other) => other.name === name);
  if (processor) return processor;
  const names = processors.map((other) => other.name).join(', ') || 'none';
  throw new ConfigError(
    `No processor of ${kind} is called "${name}"; this worker has ${names}; PROCESSORS adds others, on all workers of the task queue`,
  );
}

function isItemProcessor(processor: Processor): processor is ItemProcessor {
  return 'process' in processor && typeof processor.process === 'function';
}

function isFileProcessor(processor: Processor): processor is FileProcessor {
  return 'processFile' in processor && typeof processor.processFile === 'function';
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
  if (typeof processor?.name === 'string') {
    if (isItemProcessor(processor) || isFileProcessor(processor)) return;
  }
  throw unusable(
    origin,
    'a function that gives { name, process(item, context) }, or processFile(file, context)',
  );
}

function unusable(origin: string, expected: string, options?: ErrorOptions): ConfigError {
  return new ConfigError(`PROCESSORS: ${origin}: expected ${expected}`, options);
}
