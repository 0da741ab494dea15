import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { repositoryFile } from './repository.ts';

/** What our services have of Compose's settings, as far as tests look at them. */
export interface ComposeService {
  readonly image: string;
  readonly command?: string[];
  readonly entrypoint?: string[];
  /** Without a value: taken from the shell. */
  readonly environment?: Record<string, string | null>;
  readonly healthcheck?: { readonly test?: string[]; readonly disable?: boolean };
  readonly stop_grace_period?: string;
  readonly depends_on?: Record<string, { readonly condition: string }>;
  readonly profiles?: string[];
  readonly ports?: string[];
  readonly volumes?: string[];
  readonly configs?: { readonly source: string; readonly target: string }[];
}

export interface ComposeFile {
  readonly services: Record<string, ComposeService>;
  readonly configs: Record<string, { readonly content?: string; readonly file?: string }>;
  readonly volumes: Record<string, null>;
}

export function composeFile(): ComposeFile {
  return parse(readFileSync(repositoryFile('docker-compose.yml'), 'utf8'), { merge: true });
}

/** A service of docker-compose.yml; throws where there is none. */
export function composeService(name: string): ComposeService {
  const service = composeFile().services[name];
  if (!service) throw new Error(`docker-compose.yml has no service ${name}`);
  return service;
}

/** A service's environment without what a shell would have to give, with other text in the values. */
export function environmentOf(
  { environment = {} }: ComposeService,
  replacements: Readonly<Record<string, string>> = {},
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).flatMap(([name, value]) =>
      value === null ? [] : [[name, replaceAll(value, replacements)]],
    ),
  );
}

/** The command line of a service's health check, with other text in it. */
export function healthCheckOf(
  { healthcheck }: ComposeService,
  replacements: Readonly<Record<string, string>> = {},
): string[] {
  const [kind, ...argv] = healthcheck?.test ?? [];
  if (kind !== 'CMD') throw new Error(`expected a health check of the kind CMD, got ${kind}`);
  return argv.map((arg) => replaceAll(arg, replacements));
}

/** A service's script, for `sh -ec`; Compose has its dollars doubled. */
export function scriptOf({ entrypoint, command = [] }: ComposeService): string {
  if (entrypoint?.join(' ') !== 'sh -ec') throw new Error('expected a script for sh -ec');
  return (command[0] ?? '').replaceAll('$$', '$');
}

function replaceAll(text: string, replacements: Readonly<Record<string, string>>): string {
  return Object.entries(replacements).reduce(
    (all, [from, to]) => all.replaceAll(from, to),
    String(text),
  );
}
