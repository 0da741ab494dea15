import { execFile } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { dockerfileStages, type Instruction } from './dockerfile.ts';
import { repositoryFile } from './repository.ts';

const run = promisify(execFile);

/** Enough for what npm and the build print, bytes. */
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024;

export interface ImageBuild {
  /** Where stages are made; one that is there already is replaced. */
  readonly dir: string;
  /** `links`: the packages are linked from this clone's; `registry`: as in Docker. */
  readonly packages: 'links' | 'registry';
  /** Told each step that is carried out. */
  readonly report?: (line: string) => void;
}

/**
 * Carries out our Dockerfile's COPY and RUN instructions in folders, without Docker: on this
 * machine's system and Node instead of the base image's.
 *
 * @returns the folder that has what the Dockerfile adds to the base image.
 */
export async function buildImage({ dir, packages, report }: ImageBuild): Promise<string> {
  const path = [dirname(process.execPath), process.env.PATH].join(':');
  const tools = join(dir, 'tools');
  rmSync(dir, { recursive: true, force: true });
  mkdirSync(tools, { recursive: true });
  if (packages === 'links') {
    symlinkSync(repositoryFile('test/support/npm-ci-by-links.mjs'), join(tools, 'npm'));
  }
  const env = { ...process.env, PATH: `${tools}:${path}`, NODE_ENV: undefined };
  const roots = new Map<string, string>();
  const workdirs = new Map<string, string>();
  let root = '';
  for (const [index, { base, name = `${index}`, instructions }] of dockerfileStages().entries()) {
    root = join(dir, name);
    mkdirSync(root);
    const parent = roots.get(base);
    if (parent) cpSync(parent, root, { recursive: true });
    let workdir = workdirs.get(base) ?? '/';
    for (const instruction of instructions) {
      if (instruction.name === 'WORKDIR') {
        workdir = instruction.rest;
        mkdirSync(join(root, workdir), { recursive: true });
      } else if (instruction.name === 'COPY') {
        report?.(`${name}: COPY ${instruction.rest}`);
        await copy(instruction, join(root, workdir), root, roots);
      } else if (instruction.name === 'RUN') {
        report?.(`${name}: RUN ${instruction.rest}`);
        const options = { cwd: join(root, workdir), env, maxBuffer: MAX_OUTPUT_BYTES };
        await run('/bin/sh', ['-c', instruction.rest], options);
      }
    }
    roots.set(name, root);
    workdirs.set(name, workdir);
  }
  return root;
}

async function copy(
  { flags, rest }: Instruction,
  cwd: string,
  root: string,
  roots: ReadonlyMap<string, string>,
): Promise<void> {
  const paths = rest.split(/\s+/);
  const target = paths.pop() ?? '';
  for (const path of paths) {
    const source = flags.from ? join(roots.get(flags.from) ?? '', path) : inContext(path);
    const isFolder = statSync(source).isDirectory();
    const wanted = target.startsWith('/') ? join(root, target) : join(cwd, target);
    const to = !isFolder && target.endsWith('/') ? join(wanted, basename(path)) : wanted;
    mkdirSync(dirname(to), { recursive: true });
    // Links would do for the context too, but for `--chmod`, which would change the clone's own file.
    if (flags.from) await run('cp', ['-al', source, to]).catch(() => run('cp', ['-a', source, to]));
    else cpSync(source, to, { recursive: true });
    if (flags.chmod) chmodSync(to, Number.parseInt(flags.chmod, 8));
  }
}

/** The path of what a COPY names; throws where .dockerignore keeps it from the builder. */
function inContext(path: string): string {
  const rules = readFileSync(repositoryFile('.dockerignore'), 'utf8').split('\n');
  if (!rules.includes(`!${path}`)) throw new Error(`.dockerignore leaves ${path} out`);
  return repositoryFile(path);
}
