import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Packages that make calls of their own for us, and where their code lies. */
const CALLERS: Record<string, string> = {
  '@aws-sdk/lib-storage': 'node_modules/@aws-sdk/lib-storage/dist-es',
  'sqs-consumer': 'node_modules/sqs-consumer/dist/esm',
};

/** What our code takes from the SDK's packages that calls nothing by itself. */
const HARMLESS = /(Client|Exception|DoesNotExist|NoSuchKey|getSignedUrl|Upload)$/;

/** A statement that brings values in: `import type` does not, and neither do names marked with `type`. */
const IMPORT = /^(?:import|export)\s+(?!type\b)(?:([^'";]*?)\s+from\s+)?'([^']+)'/gm;
const DYNAMIC_IMPORT = /import\(\s*'([^']+)'\s*\)/g;
const LOADED_FILE = /new URL\(\s*'(\.[^']+\.ts)',\s*import\.meta\.url\s*\)/g;

/**
 * The calls of S3 and SQS, as `s3:GetObject` or `sqs:SendMessage`, that some programs make: of each
 * file that is imported from these, and of the packages that make calls for us. They are names of the
 * API, not of permissions.
 *
 * @param entries files, from the project's folder on
 * @throws where the SDK is used in a way that is not known here, since a call might be missed
 */
export function awsCalls(...entries: string[]): Set<string> {
  const calls = new Set<string>();
  const seen = new Set<string>();
  const visit = (file: string) => {
    if (seen.has(file)) return;
    seen.add(file);
    const code = readFileSync(join(ROOT, file), 'utf8');
    for (const [names, from] of importsOf(code)) {
      if (from.startsWith('.')) {
        visit(join(dirname(file), from));
        continue;
      }
      for (const call of CALLERS[from] ? callsOfPackage(CALLERS[from]) : []) calls.add(call);
      if (!from.startsWith('@aws-sdk/')) continue;
      for (const name of names) {
        if (name.endsWith('Command')) calls.add(callName(from, name));
        else if (!HARMLESS.test(name))
          throw new Error(`${file}: what does ${name} of ${from} call?`);
      }
    }
  };
  entries.forEach(visit);
  return calls;
}

function importsOf(code: string): [names: string[], from: string][] {
  const imports: [string[], string][] = [];
  for (const [, names = '', from = ''] of code.matchAll(IMPORT)) {
    const values = names
      .replace(/[{}]/g, '')
      .split(',')
      .map((name) => name.trim())
      .filter((name) => name && !name.startsWith('type '));
    if (values.length > 0 || !names) imports.push([values, from]);
  }
  for (const [, from = ''] of code.matchAll(DYNAMIC_IMPORT)) imports.push([['*'], from]);
  for (const [, from = ''] of code.matchAll(LOADED_FILE)) {
    // A file that is read as it is has no calls.
    imports.push([[], from]);
  }
  return imports;
}

/** Each call that a package can make, whether or not our use of it leads there. */
function callsOfPackage(folder: string): string[] {
  const path = join(ROOT, folder);
  if (!existsSync(path)) throw new Error(`${folder} is not there: has the package another layout?`);
  return readdirSync(path, { recursive: true, encoding: 'utf8' }).flatMap((name) => {
    const file = join(path, name);
    if (!name.endsWith('.js') || !statSync(file).isFile()) return [];
    return importsOf(readFileSync(file, 'utf8').replaceAll('"', "'")).flatMap(([names, from]) =>
      names.filter((each) => each.endsWith('Command')).map((each) => callName(from, each)),
    );
  });
}

function callName(from: string, command: string): string {
  return `${from.replace('@aws-sdk/client-', '')}:${command.replace(/Command$/, '')}`;
}
