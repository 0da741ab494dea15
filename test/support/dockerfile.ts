import { readFileSync } from 'node:fs';
import { repositoryFile } from './repository.ts';

/** An instruction of a Dockerfile: `COPY --from=build /app/dist dist`. */
export interface Instruction {
  /** In capitals. */
  readonly name: string;
  /** `from` and `build` of `--from=build`. */
  readonly flags: Readonly<Record<string, string>>;
  /** What follows them, on one line. */
  readonly rest: string;
}

/** What a FROM begins. */
export interface Stage {
  /** The image or the earlier stage that it is made from. */
  readonly base: string;
  readonly name: string | undefined;
  readonly instructions: readonly Instruction[];
}

/**
 * The stages of our Dockerfile, the last one that of the image. It is read as far as ours goes:
 * without here-documents, ONBUILD and parser directives.
 */
export function dockerfileStages(): Stage[] {
  const lines = readFileSync(repositoryFile('Dockerfile'), 'utf8')
    .split('\n')
    .filter((line) => line.trim() !== '' && !line.trimStart().startsWith('#'));
  const joined = lines.join('\n').replaceAll(/\\\n\s*/g, '');
  const stages: { base: string; name: string | undefined; instructions: Instruction[] }[] = [];
  for (const line of joined.split('\n')) {
    const instruction = parseInstruction(line);
    if (instruction.name === 'FROM') {
      const [base = '', , name] = instruction.rest.split(/\s+/);
      stages.push({ base, name, instructions: [] });
    } else stages.at(-1)?.instructions.push(instruction);
  }
  return stages;
}

function parseInstruction(line: string): Instruction {
  const [, name = '', flags = '', rest = ''] =
    /^(\w+)\s+((?:--\S+\s+)*)(.*)$/.exec(line.trim()) ?? [];
  const pairs = flags.matchAll(/--([\w-]+)=(\S+)/g);
  return {
    name: name.toUpperCase(),
    flags: Object.fromEntries([...pairs].map(([, key, value]) => [key, value])),
    rest,
  };
}

/** What the image says of how it is run. */
export interface ImageConfig {
  readonly env: Record<string, string>;
  readonly entrypoint: string[];
  readonly healthcheck: string[];
  readonly labels: Record<string, string>;
  /** `uid:gid`. */
  readonly user: string;
}

export function imageConfig(): ImageConfig {
  const stage = dockerfileStages().at(-1);
  const all = (name: string) =>
    (stage?.instructions ?? []).filter((each) => each.name === name).map(({ rest }) => rest);
  const pairs = (name: string) =>
    Object.fromEntries(
      [
        ...all(name)
          .join(' ')
          .matchAll(/([\w.]+)=("[^"]*"|\S+)/g),
      ].map(([, key = '', value = '']) => [key, value.replaceAll('"', '')]),
    );
  return {
    env: pairs('ENV'),
    entrypoint: JSON.parse(all('ENTRYPOINT').at(-1) ?? '[]'),
    healthcheck: JSON.parse(
      all('HEALTHCHECK')
        .at(-1)
        ?.replace(/^CMD\s+/, '') ?? '[]',
    ),
    labels: pairs('LABEL'),
    user: all('USER').at(-1) ?? '',
  };
}
