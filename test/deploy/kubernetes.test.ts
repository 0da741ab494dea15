import { execFileSync, spawnSync } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { settings } from '../../src/config.ts';
import { INTAKE_QUEUES } from '../../src/starter/intakes.ts';
import { STOP_TIMEOUT_MS } from '../../src/starter/run.ts';
import { SHUTDOWN_FORCE } from '../../src/worker/workers.ts';
import { schemaFaults } from '../support/kubernetes-schemas.ts';
import { buildKustomization, type Manifest, readManifests } from '../support/kustomize.ts';

const FOLDER = fileURLToPath(new URL('../../deploy/kubernetes/', import.meta.url));
const PACKAGE = new URL('../../package.json', import.meta.url);

/** The folders that are applied. */
const OVERLAYS = ['self-hosted', 'temporal-cloud-api-key', 'temporal-cloud-mtls', 'versioned'];

/** Variables that the SDKs of Temporal and AWS read by themselves. */
const OF_SDKS = [/^TEMPORAL_(ADDRESS|NAMESPACE|API_KEY|TLS(_[A-Z_]+)?)$/, /^AWS_[A-Z0-9_]+$/];

/** What KEDA 2.21's scalers take: pkg/scalers/temporal_scaler.go and aws_sqs_queue_scaler.go there. */
const TRIGGERS: Record<string, { values: string[]; fromEnv: string[]; needs: string[] }> = {
  temporal: {
    values: [
      ...['queueTypes', 'targetQueueSize', 'activationTargetQueueSize', 'minConnectTimeout'],
      ...['includeRunningWorkflowCount', 'enableTLS', 'unsafeSsl', 'tlsServerName'],
    ],
    fromEnv: [
      ...['endpoint', 'namespace', 'taskQueue', 'workerDeploymentName'],
      ...['workerDeploymentBuildId', 'workflowTaskQueueForCount', 'apiKey'],
    ],
    needs: ['endpoint', 'taskQueue'],
  },
  'aws-sqs-queue': {
    values: [
      ...['queueLength', 'activationQueueLength', 'awsRegion', 'awsEndpoint'],
      ...['scaleOnInFlight', 'scaleOnDelayed'],
    ],
    fromEnv: ['queueURL'],
    needs: ['queueURL', 'awsRegion'],
  },
};

// biome-ignore lint/suspicious/noExplicitAny: fields of any kind
type Fields = any;

describe.each(OVERLAYS)('deploy/kubernetes/%s', (overlay) => {
  let manifests: Manifest[];
  let deployments: Fields[];
  let config: Record<string, string>;

  beforeAll(async () => {
    manifests = await buildKustomization(join(FOLDER, overlay));
    deployments = ofKind('Deployment');
    config = ofKind('ConfigMap')[0].data;
  });

  test('is right by the schemas of Kubernetes and KEDA', async () => {
    expect(await schemaFaults(manifests)).toEqual([]);
  });

  test('is what kubectl makes of it, where there is one', async ({ skip }) => {
    if (spawnSync('kubectl', ['kustomize', '--help']).status !== 0) skip('no kubectl here');
    const built = execFileSync('kubectl', ['kustomize', join(FOLDER, overlay)], {
      encoding: 'utf8',
    });
    // The name of the generated ConfigMap ends with a hash.
    const read = readManifests(built.replace(/\bsheaf-[a-z0-9]{10}$/gm, 'sheaf'));
    expect(sorted(manifests)).toEqual(sorted(read));
  });

  test('has one Deployment of each process at least, in one namespace', () => {
    expect(new Set(deployments.map(processOf))).toEqual(new Set(['worker', 'starter']));
    expect(new Set(manifests.map(({ metadata }) => metadata.namespace))).toEqual(
      new Set(['sheaf']),
    );
  });

  test('gives processes longer to stop than they take', () => {
    const [, seconds] = /^(\d+) seconds$/.exec(SHUTDOWN_FORCE) ?? [];
    const stop = { worker: Number(seconds) * 1000, starter: STOP_TIMEOUT_MS };
    for (const deployment of deployments) {
      const grace = podOf(deployment).terminationGracePeriodSeconds * 1000;
      // The rest is for the connections that are closed behind it.
      expect(grace).toBeGreaterThanOrEqual(stop[processOf(deployment)] + 5_000);
    }
  });

  test('replaces a process only when another one is ready', () => {
    for (const { spec } of deployments) {
      expect(spec.strategy.rollingUpdate.maxUnavailable).toBe(0);
      expect(spec).not.toHaveProperty('replicas');
    }
  });

  test('asks for health where the process answers, and scrapes its metrics', () => {
    for (const deployment of deployments) {
      const container = containerOf(deployment);
      const { HEALTH_ADDRESS = '', METRICS_ADDRESS = '' } = envOf(container);
      const ports = Object.fromEntries(
        container.ports.map((port: Fields) => [port.name, port.containerPort]),
      );
      expect(ports).toEqual({ health: portOf(HEALTH_ADDRESS), metrics: portOf(METRICS_ADDRESS) });
      const { startupProbe, livenessProbe, readinessProbe } = container;
      expect(startupProbe.httpGet).toEqual({ path: '/live', port: 'health' });
      expect(livenessProbe.httpGet).toEqual({ path: '/live', port: 'health' });
      expect(readinessProbe.httpGet).toEqual({ path: '/ready', port: 'health' });
      expect(deployment.spec.template.metadata.annotations).toEqual({
        'prometheus.io/scrape': 'true',
        'prometheus.io/port': String(ports.metrics),
        'prometheus.io/path': '/metrics',
      });
      const [{ ports: open }] = ofKind('NetworkPolicy')[0].spec.ingress;
      expect(open).toEqual([{ port: ports.metrics }]);
    }
  });

  test('sets what is a setting, to what it may be', () => {
    for (const deployment of deployments) {
      const env = { ...config, ...envOf(containerOf(deployment)) };
      for (const [name, value] of Object.entries(env)) {
        const setting = settings[name as keyof typeof settings];
        if (setting)
          expect({ name, ok: setting.schema.safeParse(value).success }).toEqual({ name, ok: true });
        else expect(name).toSatisfy((other: string) => OF_SDKS.some((known) => known.test(other)));
      }
      expect(env).toMatchObject({
        TEMPORAL_ADDRESS: expect.any(String),
        AWS_REGION: expect.any(String),
      });
    }
  });

  test('has no secret in it', () => {
    expect(ofKind('Secret')).toEqual([]);
    expect(Object.keys(config).filter((name) => /KEY|TOKEN|PASSWORD|CERT/.test(name))).toEqual([]);
    for (const deployment of deployments) {
      const { envFrom } = containerOf(deployment);
      expect(envFrom).toContainEqual({ secretRef: { name: 'sheaf-temporal', optional: true } });
    }
  });

  test('runs the image of this version, as a user without rights, on a disk that is only read', async () => {
    const { version } = JSON.parse(await readFile(PACKAGE, 'utf8'));
    for (const deployment of deployments) {
      const { image, args, securityContext, resources, volumeMounts } = containerOf(deployment);
      expect(image).toBe(`registry.example.com/sheaf:${version}`);
      expect(args).toEqual([processOf(deployment)]);
      expect(securityContext).toEqual({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      });
      expect(volumeMounts).toEqual([{ name: 'tmp', mountPath: '/tmp' }]);
      expect(resources).toEqual({
        requests: { cpu: expect.any(String), memory: expect.any(String) },
        limits: { memory: expect.any(String) },
      });
      const pod = podOf(deployment);
      expect(pod.securityContext).toMatchObject({
        runAsNonRoot: true,
        runAsUser: 1000,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      expect(pod.automountServiceAccountToken).toBe(false);
      expect(pod.volumes).toEqual([{ name: 'tmp', emptyDir: { sizeLimit: expect.any(String) } }]);
    }
  });

  test('chooses with each selector the pods that it means', () => {
    for (const deployment of deployments) {
      const { selector, template } = deployment.spec;
      expect(template.metadata.labels).toEqual(selector.matchLabels);
      for (const { labelSelector } of podOf(deployment).topologySpreadConstraints) {
        expect(labelSelector).toEqual(selector);
      }
      expect(ofKind('ServiceAccount').map(nameOf)).toContain(podOf(deployment).serviceAccountName);
      expect(podOf(deployment).serviceAccountName).toBe(`sheaf-${processOf(deployment)}`);
    }
    const labels = deployments.map(({ spec }) => spec.template.metadata.labels);
    for (const budget of ofKind('PodDisruptionBudget')) {
      const chosen = labels.filter((pod) => selects(budget.spec.selector, pod));
      const component = new Set(chosen.map((pod) => pod['app.kubernetes.io/component']));
      expect([...component]).toEqual([nameOf(budget).replace('sheaf-', '')]);
      expect(budget.spec.maxUnavailable).toBe(1);
    }
    const [policy] = ofKind('NetworkPolicy');
    for (const pod of labels) expect(selects(policy.spec.podSelector, pod)).toBe(true);
    const selectors = deployments.map(({ spec }) => JSON.stringify(spec.selector));
    expect(new Set(selectors).size).toBe(deployments.length);
  });

  test('scales each Deployment by triggers that KEDA knows, from variables that are there', () => {
    const scaled = ofKind('ScaledObject');
    expect(scaled.map(({ spec }) => spec.scaleTargetRef.name).sort()).toEqual(
      deployments.map(nameOf).sort(),
    );
    for (const { spec } of scaled) {
      const deployment = deployments.find((one) => nameOf(one) === spec.scaleTargetRef.name);
      const env = { ...config, ...envOf(containerOf(deployment)) };
      expect(spec.minReplicaCount).toBeGreaterThanOrEqual(2);
      expect(spec.maxReplicaCount).toBeGreaterThan(spec.minReplicaCount);
      for (const { type, metadata } of spec.triggers) {
        const { values, fromEnv, needs } = TRIGGERS[type] ?? { values: [], fromEnv: [], needs: [] };
        expect([...values, ...fromEnv, ...fromEnv.map((name) => `${name}FromEnv`)]).toEqual(
          expect.arrayContaining(Object.keys(metadata)),
        );
        for (const name of needs) {
          expect(metadata[name] ?? env[metadata[`${name}FromEnv`]]).toEqual(expect.any(String));
        }
      }
    }
  });

  test('scales workers by their own task queue and build', () => {
    for (const { spec } of scalersOf('worker')) {
      expect(spec.triggers).toHaveLength(1);
      const [{ type, metadata }] = spec.triggers;
      expect(type).toBe('temporal');
      expect(metadata).toEqual({
        endpointFromEnv: 'TEMPORAL_ADDRESS',
        namespaceFromEnv: 'TEMPORAL_NAMESPACE',
        taskQueueFromEnv: 'TASK_QUEUE',
        apiKeyFromEnv: 'TEMPORAL_API_KEY',
        workerDeploymentNameFromEnv: 'TEMPORAL_DEPLOYMENT_NAME',
        workerDeploymentBuildIdFromEnv: 'TEMPORAL_WORKER_BUILD_ID',
        queueTypes: 'workflow,activity',
        targetQueueSize: settings.MAX_CONCURRENT_ACTIVITIES.default,
      });
      // One worker at a time, and not before a part that is under way would be done.
      const { scaleDown } = spec.advanced.horizontalPodAutoscalerConfig.behavior;
      expect(scaleDown.policies).toEqual([{ type: 'Pods', value: 1, periodSeconds: 120 }]);
    }
  });

  test('scales starters by each queue that they read', () => {
    const read = Object.values(INTAKE_QUEUES).filter((name) => config[name]);
    expect(read).not.toEqual([]);
    for (const { spec } of scalersOf('starter')) {
      const queues = spec.triggers.map(({ metadata }: Fields) => metadata.queueURLFromEnv);
      expect(queues.sort()).toEqual([...read].sort());
      for (const { metadata, authenticationRef } of spec.triggers) {
        expect(metadata.awsRegion).toBe(config.AWS_REGION);
        expect(ofKind('TriggerAuthentication').map(nameOf)).toContain(authenticationRef.name);
      }
    }
  });

  function ofKind(kind: string): Fields[] {
    return manifests.filter((manifest) => manifest.kind === kind);
  }

  function scalersOf(process: string): Fields[] {
    const names = deployments.filter((one) => processOf(one) === process).map(nameOf);
    return ofKind('ScaledObject').filter(({ spec }) => names.includes(spec.scaleTargetRef.name));
  }
});

test('KEDA shows Temporal the certificate that the workers show', async () => {
  const manifests: Fields[] = await buildKustomization(join(FOLDER, 'temporal-cloud-mtls'));
  const worker = manifests.find(
    ({ kind, metadata }) => kind === 'ScaledObject' && metadata.name === 'sheaf-worker',
  );
  const { authenticationRef } = worker.spec.triggers[0];
  const authentication = manifests.find(
    ({ kind, metadata }) =>
      kind === 'TriggerAuthentication' && metadata.name === authenticationRef.name,
  );
  expect(authentication.spec.secretTargetRef).toEqual([
    { parameter: 'cert', name: 'sheaf-temporal', key: 'TEMPORAL_TLS_CLIENT_CERT_DATA' },
    { parameter: 'key', name: 'sheaf-temporal', key: 'TEMPORAL_TLS_CLIENT_KEY_DATA' },
  ]);
});

test('a build of workers has a name, labels and variables of its own, by the image of the same version', async () => {
  const manifests: Fields[] = await buildKustomization(join(FOLDER, 'versioned'));
  const builds = (await readdir(join(FOLDER, 'versioned'))).filter((name) =>
    name.startsWith('build-'),
  );
  const workers = manifests.filter(
    (manifest) => manifest.kind === 'Deployment' && processOf(manifest) === 'worker',
  );
  expect(workers).toHaveLength(builds.length);
  for (const build of builds) {
    const version = build.replace('build-', '');
    const worker = workers.find(
      ({ metadata }) => metadata.name === `sheaf-worker-${version.replaceAll('.', '-')}`,
    );
    expect(envOf(containerOf(worker))).toMatchObject({
      TEMPORAL_DEPLOYMENT_NAME: 'sheaf',
      TEMPORAL_WORKER_BUILD_ID: version,
    });
    expect(worker.spec.selector.matchLabels['app.kubernetes.io/version']).toBe(version);
    expect(containerOf(worker).image).toMatch(new RegExp(`:${version.replaceAll('.', '\\.')}$`));
  }
  const starter = manifests.find(
    (manifest) => manifest.kind === 'Deployment' && processOf(manifest) === 'starter',
  );
  expect(envOf(containerOf(starter))).not.toHaveProperty('TEMPORAL_WORKER_BUILD_ID');
});

test('the PodMonitor is right by its schema, and scrapes the port and the pods that there are', async () => {
  const monitors: Fields[] = readManifests(
    await readFile(join(FOLDER, 'pod-monitor/pod-monitor.yaml'), 'utf8'),
  );
  expect(await schemaFaults(monitors)).toEqual([]);
  const manifests: Fields[] = await buildKustomization(join(FOLDER, 'self-hosted'));
  const pods = manifests.filter(({ kind }) => kind === 'Deployment');
  expect(pods).toHaveLength(2);
  for (const deployment of pods) {
    const [monitor] = monitors;
    expect(selects(monitor.spec.selector, deployment.spec.template.metadata.labels)).toBe(true);
    const names = containerOf(deployment).ports.map((port: Fields) => port.name);
    for (const { port } of monitor.spec.podMetricsEndpoints) expect(names).toContain(port);
  }
});

test('the trigger that the page adds is right by the schema', async () => {
  const page = await readFile(join(FOLDER, 'README.md'), 'utf8');
  const [, block = ''] = /^ {2}```yaml\n(.*?)^ {2}```$/ms.exec(page) ?? [];
  const [[trigger]]: Fields = readManifests(block);
  const [scaler]: Fields[] = readManifests(
    await readFile(join(FOLDER, 'base/worker/scaler.yaml'), 'utf8'),
  );
  scaler.spec.triggers.push(trigger);
  expect(await schemaFaults([scaler])).toEqual([]);
  expect(trigger.metadata.threshold).toBe(settings.MAX_CONCURRENT_ACTIVITIES.default);
  expect(trigger.metadata.query).toContain(`task_queue="${settings.TASK_QUEUE.default}"`);
});

test('the schemas find a field that is misspelt, a value that is wrong and a field that is missing', async () => {
  const [worker, scaler, other]: Fields[] = await Promise.all(
    ['deployment.yaml', 'scaler.yaml', 'scaler.yaml'].map(
      async (file) => readManifests(await readFile(join(FOLDER, 'base/worker', file), 'utf8'))[0],
    ),
  );
  worker.spec.template.spec.terminationGracePeriod = 30;
  worker.spec.template.spec.containers[0].resources.limits.memory = '1Zi';
  scaler.spec.minReplicas = 2;
  delete other.spec.triggers[0].type;
  expect(await schemaFaults([worker, scaler, other])).toEqual(
    expect.arrayContaining([
      expect.stringMatching(/Deployment sheaf-worker: .*memory must match format/),
      expect.stringMatching(/Deployment sheaf-worker: .*'"terminationGracePeriod"' does not exist/),
      expect.stringMatching(/ScaledObject sheaf-worker: .*'"minReplicas"' does not exist/),
      expect.stringMatching(/ScaledObject sheaf-worker: .*required property type/),
    ]),
  );
});

function processOf(deployment: Fields): 'worker' | 'starter' {
  return deployment.spec.template.metadata.labels['app.kubernetes.io/component'];
}

function nameOf({ metadata }: Fields): string {
  return metadata.name;
}

function podOf(deployment: Fields) {
  return deployment.spec.template.spec;
}

function containerOf(deployment: Fields) {
  const { containers } = podOf(deployment);
  expect(containers).toHaveLength(1);
  return containers[0];
}

/** The container's own variables. */
function envOf({ env }: Fields): Record<string, string> {
  return Object.fromEntries(env.map(({ name, value }: Fields) => [name, value]));
}

function portOf(address: string): number {
  return Number(address.split(':').at(-1));
}

function selects({ matchLabels }: Fields, labels: Record<string, string>): boolean {
  return Object.entries(matchLabels).every(([name, value]) => labels[name] === value);
}

function sorted(manifests: readonly Manifest[]) {
  const key = ({ kind, metadata }: Manifest) => `${kind}/${metadata.name}`;
  return [...manifests].sort((a, b) => key(a).localeCompare(key(b)));
}
