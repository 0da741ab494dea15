import { readFile } from 'node:fs/promises';
import { ConfigError } from '../config.ts';
import { MessageError, parseBody } from '../messages/parse.ts';
import { fileProcessorNames, type Processors } from '../processors/load.ts';
import { DEFAULT_RULES, type RouteRule, routeRulesSchema, SPLIT_PROCESSOR } from './rules.ts';

/**
 * The rules of a worker: those of the JSON file that `ROUTE_RULES` names, or the default ones.
 *
 * @throws ConfigError where the file can't be read, is wrong, or names a processor that is none
 */
export async function loadRules(
  file: string | undefined,
  processors: Processors,
): Promise<readonly RouteRule[]> {
  if (!file) return DEFAULT_RULES;
  const rules = await readRules(file);
  const names = [SPLIT_PROCESSOR, ...fileProcessorNames(processors)];
  rules.forEach(({ processor = SPLIT_PROCESSOR }, index) => {
    if (names.includes(processor)) return;
    throw unusable(
      file,
      `${index}.processor: expected one of ${names.join(', ')}, got "${processor}"; PROCESSORS adds others`,
    );
  });
  return rules;
}

async function readRules(file: string): Promise<RouteRule[]> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw unusable(file, (error as Error).message, { cause: error });
  }
  try {
    return parseBody(routeRulesSchema, text, 'list of route rules');
  } catch (error) {
    if (!(error instanceof MessageError)) throw error;
    throw unusable(file, error.message, { cause: error });
  }
}

function unusable(file: string, fault: string, options?: ErrorOptions): ConfigError {
  return new ConfigError(`ROUTE_RULES: ${file}: ${fault}`, options);
}
