import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { settings } from '../../src/config.ts';

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');

test('the README lists every setting with its default and what it may be', () => {
  expect(README).toContain(settingsTable());
});

function settingsTable(): string {
  const rows = Object.entries(settings).map(([name, { schema, default: value, help }]) => {
    const shown = value ? `\`${value}\`` : 'none';
    return `| \`${name}\` | ${shown} | ${help} | ${schema.description} |`;
  });
  return ['| variable | default | meaning | expected |', '| --- | --- | --- | --- |', ...rows].join(
    '\n',
  );
}
