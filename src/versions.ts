import { readFileSync } from 'node:fs';

/** Our package.json, beside src/ and dist/. */
const OURS = new URL('../package.json', import.meta.url);

interface Package {
  readonly version: string;
  readonly engines: { readonly node: string };
  readonly dependencies: Readonly<Record<string, string>>;
}

/** What runs here, and what it is made for. */
export function readVersions() {
  const { version, engines, dependencies }: Package = JSON.parse(readFileSync(OURS, 'utf8'));
  return {
    sheaf: version,
    node: process.versions.node,
    nodeWanted: engines.node,
    temporalSdk: dependencies['@temporalio/client'] ?? 'unknown',
  };
}
