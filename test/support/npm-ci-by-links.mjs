#!/usr/bin/env node
/**
 * `npm ci` without a network, for the Dockerfile's steps in the suite: what package-lock.json lists,
 * linked from this clone's packages, as `--omit` says. Copied where links can't be.
 *
 *   npm-ci-by-links.mjs ci [--omit=dev] [--omit=optional] [--ignore-scripts]
 */
import {
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const source = fileURLToPath(new URL('../../', import.meta.url));
const omitted = process.argv.filter((arg) => arg.startsWith('--omit=')).map((arg) => arg.slice(7));
const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));

for (const [path, { dev, optional, devOptional }] of Object.entries(packages)) {
  if (path === '' || !existsSync(join(source, path))) continue;
  if (omitted.includes('dev') && (dev || devOptional)) continue;
  if (omitted.includes('optional') && (optional || devOptional)) continue;
  link(join(source, path), path);
}

const programs = 'node_modules/.bin';
mkdirSync(programs);
for (const name of readdirSync(join(source, programs))) {
  const target = readlinkSync(join(source, programs, name));
  if (existsSync(join(programs, target))) symlinkSync(target, join(programs, name));
}

/** Links a package's files, without the packages inside it: they have entries of their own. */
function link(from, to) {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    if (entry.name === 'node_modules') continue;
    const [here, there] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) link(here, there);
    else linkOrCopy(here, there);
  }
}

function linkOrCopy(here, there) {
  try {
    linkSync(here, there);
  } catch {
    cpSync(here, there);
  }
}
