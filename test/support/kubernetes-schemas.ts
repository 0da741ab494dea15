import { execFile } from 'node:child_process';
import { symlink, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ScaledObject } from '@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject';
import { TriggerAuthentication } from '@kubernetes-models/keda/keda.sh/v1alpha1/TriggerAuthentication';
import { PodMonitor } from '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PodMonitor';
import { Deployment } from 'kubernetes-models/apps/v1/Deployment';
import { NetworkPolicy } from 'kubernetes-models/networking.k8s.io/v1/NetworkPolicy';
import { PodDisruptionBudget } from 'kubernetes-models/policy/v1/PodDisruptionBudget';
import { ConfigMap } from 'kubernetes-models/v1/ConfigMap';
import { ServiceAccount } from 'kubernetes-models/v1/ServiceAccount';
import type { Manifest } from './kustomize.ts';
import { tempFolder } from './temp-folder.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const CORE = 'kubernetes-models';
const KEDA = '@kubernetes-models/keda';
const PROMETHEUS = '@kubernetes-models/prometheus-operator';

/** The kinds, with the schemas of their values and the package that has their types. */
const KINDS = {
  'v1 ConfigMap': [ConfigMap, `${CORE}/v1/ConfigMap`],
  'v1 ServiceAccount': [ServiceAccount, `${CORE}/v1/ServiceAccount`],
  'apps/v1 Deployment': [Deployment, `${CORE}/apps/v1/Deployment`],
  'policy/v1 PodDisruptionBudget': [PodDisruptionBudget, `${CORE}/policy/v1/PodDisruptionBudget`],
  'networking.k8s.io/v1 NetworkPolicy': [
    NetworkPolicy,
    `${CORE}/networking.k8s.io/v1/NetworkPolicy`,
  ],
  'keda.sh/v1alpha1 ScaledObject': [ScaledObject, `${KEDA}/keda.sh/v1alpha1/ScaledObject`],
  'keda.sh/v1alpha1 TriggerAuthentication': [
    TriggerAuthentication,
    `${KEDA}/keda.sh/v1alpha1/TriggerAuthentication`,
  ],
  'monitoring.coreos.com/v1 PodMonitor': [
    PodMonitor,
    `${PROMETHEUS}/monitoring.coreos.com/v1/PodMonitor`,
  ],
} as const;

/**
 * What is wrong with manifests by the schemas of Kubernetes, KEDA and the Prometheus operator; nothing
 * where they are right. The schemas know what values may be and what must be there. They let pass fields
 * that nobody knows, as a misspelt one; those are found by the compiler, for which they are types.
 */
export async function schemaFaults(manifests: readonly Manifest[]): Promise<string[]> {
  return [...manifests.flatMap(wrongValues), ...(await unknownFields(manifests))];
}

function wrongValues(manifest: Manifest): string[] {
  const [Model] = entry(manifest);
  try {
    new (Model as typeof ConfigMap)(manifest as never).validate();
    return [];
  } catch (error) {
    return [`${manifest.kind} ${manifest.metadata.name}: ${(error as Error).message}`];
  }
}

async function unknownFields(manifests: readonly Manifest[]): Promise<string[]> {
  const folder = await tempFolder();
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  // The compiler complains of fields too many only where an object is written down.
  const lines = manifests.map((manifest) => {
    const [, module] = entry(manifest);
    return `(${JSON.stringify(manifest)} satisfies import('${module}').I${manifest.kind});`;
  });
  await writeFile(join(folder, 'manifests.mts'), `${lines.join('\n')}\n`);
  const options = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext'];
  const output = await compile([...options, '--types', '', 'manifests.mts'], folder);
  return output.split('\n').flatMap((line) => {
    const place = /^manifests\.mts\((\d+),\d+\): error TS\d+: (.*)$/.exec(line);
    if (!place) return line.includes('error TS') ? [line] : [];
    const { kind, metadata } = manifests[Number(place[1]) - 1] as Manifest;
    return [`${kind} ${metadata.name}: ${place[2]}`];
  });
}

/** What the compiler prints; it exits with an error where it finds faults. */
function compile(args: readonly string[], cwd: string): Promise<string> {
  const require = createRequire(import.meta.url);
  const compiler = join(dirname(require.resolve('typescript/package.json')), 'bin/tsc');
  return new Promise((resolve, reject) => {
    execFile(process.execPath, [compiler, ...args], { cwd }, (error, stdout) => {
      if (error && stdout === '') reject(error);
      else resolve(stdout);
    });
  });
}

function entry({ apiVersion, kind }: Manifest) {
  const found = KINDS[`${apiVersion} ${kind}` as keyof typeof KINDS];
  if (!found) throw new Error(`${apiVersion} ${kind}: there is no schema for it`);
  return found;
}
