import { readFile, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { parseAllDocuments, parse as parseYaml } from 'yaml';

/** A Kubernetes object, as far as tests look into it. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { name: string; namespace?: string; labels?: Record<string, string> };
  readonly [field: string]: unknown;
}

// biome-ignore lint/suspicious/noExplicitAny: any field of any kind
type Fields = Record<string, any>;

interface Patch {
  readonly path?: string;
  readonly patch?: string;
  readonly target?: { kind?: string; name?: string };
}

interface Kustomization {
  readonly namespace?: string;
  readonly nameSuffix?: string;
  readonly resources?: string[];
  readonly labels?: { pairs: Record<string, string>; includeSelectors: boolean }[];
  readonly images?: { name: string; newName: string; newTag: string }[];
  readonly patches?: Patch[];
  readonly configMapGenerator?: { name: string; envs: string[] }[];
}

/** What {@link buildKustomization} knows of; another field would be a change that it does not make. */
const KNOWN = new Set([
  ...['apiVersion', 'kind', 'namespace', 'nameSuffix', 'resources', 'labels', 'images', 'patches'],
  ...['configMapGenerator', 'configurations'],
]);

/**
 * What `kubectl kustomize` makes of a folder of deploy/kubernetes, but for the hash in the names of
 * generated ConfigMaps: kustomize itself comes in none of the registries that tests install from. Knows
 * what these folders use, and throws at anything else.
 */
export async function buildKustomization(folder: string): Promise<Manifest[]> {
  const kustomization: Kustomization = parseYaml(
    await readFile(join(folder, 'kustomization.yaml'), 'utf8'),
  );
  for (const field of Object.keys(kustomization)) {
    if (!KNOWN.has(field)) throw new Error(`${folder}: ${field} is not known here`);
  }
  const { resources = [], configMapGenerator = [] } = kustomization;
  const read = await Promise.all(resources.map((name) => readResource(join(folder, name))));
  const maps = configMapGenerator.map((generator) => configMap(folder, generator));
  const manifests = [...read.flat(), ...(await Promise.all(maps))];
  for (const patch of kustomization.patches ?? []) await applyPatch(folder, patch, manifests);
  const { namespace, nameSuffix = '', labels = [], images = [] } = kustomization;
  const own = new Set(manifests.map(({ kind, metadata }) => `${kind}/${metadata.name}`));
  for (const manifest of manifests as Fields[]) {
    for (const { pairs } of labels) addLabels(manifest, pairs);
    for (const image of images) setImage(manifest, image);
    if (namespace) manifest.metadata.namespace = namespace;
    manifest.metadata.name += nameSuffix;
    // As names.yaml has it.
    const target = manifest.spec?.scaleTargetRef;
    if (target && own.has(`Deployment/${target.name}`)) target.name += nameSuffix;
  }
  return manifests;
}

/** The documents of a file of YAML, with merge keys (`<<`) as kubectl has them. */
export function readManifests(text: string): Manifest[] {
  return parseAllDocuments(text, { merge: true, uniqueKeys: true }).map((document) => {
    if (document.errors.length > 0) throw document.errors[0];
    return document.toJS();
  });
}

/** The variables of a file of `NAME=value` lines. */
export function readEnv(text: string): Record<string, string> {
  const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return Object.fromEntries(
    lines.map((line) => [line.split('=', 1)[0], line.slice(line.indexOf('=') + 1)]),
  );
}

async function readResource(path: string): Promise<Manifest[]> {
  if ((await stat(path)).isDirectory()) return buildKustomization(path);
  return readManifests(await readFile(path, 'utf8'));
}

async function configMap(
  folder: string,
  { name, envs }: { name: string; envs: string[] },
): Promise<Manifest> {
  const texts = await Promise.all(envs.map((file) => readFile(join(folder, file), 'utf8')));
  const data = Object.assign({}, ...texts.map(readEnv));
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data };
}

async function applyPatch(
  folder: string,
  { path, patch, target }: Patch,
  manifests: readonly Manifest[],
): Promise<void> {
  if (patch && target) {
    const { kind, name } = target;
    const targets = manifests.filter(
      (manifest) => manifest.kind === kind && (!name || manifest.metadata.name === name),
    );
    if (targets.length === 0) throw new Error(`${folder}: a patch of ${kind} finds nothing`);
    const operations: Fields[] = parseYaml(patch);
    for (const manifest of targets) {
      for (const operation of operations) addAt(manifest, operation);
    }
    return;
  }
  if (!path) throw new Error(`${folder}: a patch has neither a path nor a target`);
  for (const change of readManifests(await readFile(join(folder, path), 'utf8'))) {
    const found = manifests.find(
      ({ kind, metadata }) => kind === change.kind && metadata.name === change.metadata.name,
    );
    if (!found)
      throw new Error(`${basename(path)}: ${change.kind} ${change.metadata.name} is not there`);
    merge(found, change);
  }
}

/** A strategic merge of maps; the patches here have no lists. */
function merge(into: Fields, change: Fields): void {
  for (const [field, value] of Object.entries(change)) {
    if (Array.isArray(value)) throw new Error(`a patch of the list ${field} is not known here`);
    if (value !== null && typeof value === 'object' && into[field]) merge(into[field], value);
    else into[field] = value;
  }
}

/** An operation `add` of RFC 6902. */
function addAt(manifest: Fields, { op, path, value }: Fields): void {
  if (op !== 'add') throw new Error(`the operation ${op} is not known here`);
  const steps: string[] = path.split('/').slice(1);
  const last = steps.pop() ?? '';
  const place: Fields = steps.reduce((at, step) => at[step], manifest);
  if (last === '-') place.push(value);
  else place[last] = value;
}

/** Labels everywhere where a Deployment, or what its pods are chosen by, has some. */
function addLabels(manifest: Fields, pairs: Record<string, string>): void {
  const add = (place: Fields, field: string) => {
    place[field] = { ...place[field], ...pairs };
  };
  add(manifest.metadata, 'labels');
  if (manifest.kind !== 'Deployment') return;
  add(manifest.spec.selector, 'matchLabels');
  add(manifest.spec.template.metadata, 'labels');
  for (const { labelSelector } of manifest.spec.template.spec.topologySpreadConstraints) {
    add(labelSelector, 'matchLabels');
  }
}

function setImage(
  manifest: Fields,
  { name, newName, newTag }: { name: string; newName: string; newTag: string },
): void {
  for (const container of manifest.spec?.template?.spec.containers ?? []) {
    if (container.image === name) container.image = `${newName}:${newTag}`;
  }
}
