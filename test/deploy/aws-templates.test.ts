import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { settings } from '../../src/config.ts';
import { activityOptions } from '../../src/workflows/activity-options.ts';
import * as workflows from '../../src/workflows/index.ts';
import { type Resource, readTemplate, templateText } from '../support/cloudformation.ts';

const DATA = readTemplate('data.yaml');
const SERVICE = readTemplate('service.yaml');

const TASKS = ['WorkerTask', 'StarterTask', 'OperatorTask'];

test('tasks have every setting of a queue or a bucket, and none that there is not', () => {
  // Of the SDKs, not of ours.
  const foreign = /^(AWS_REGION|TEMPORAL_\w+|CLOUDWATCH_NAMESPACE)$/;
  const given = new Set(TASKS.flatMap(settingsOf));
  const unknown = [...given].filter((name) => !foreign.test(name) && !(name in settings));
  expect(unknown).toEqual([]);
  const places = Object.keys(settings).filter((name) => /QUEUE(_URL)?$|BUCKET$/.test(name));
  expect([...given]).toEqual(expect.arrayContaining(places));
});

test.each(TASKS)('%s runs without rights that it does not need', (task) => {
  const { LinuxParameters, ReadonlyRootFilesystem, Privileged, User } = containerOf(task);
  expect(LinuxParameters).toEqual({ Capabilities: { Drop: ['ALL'] } });
  // Temporary files of WORKSPACE=disk are the one thing that is written.
  expect([true, { 'Fn::If': ['UsesDisk', false, true] }]).toContainEqual(ReadonlyRootFilesystem);
  expect([Privileged, User]).toEqual([undefined, undefined]);
});

test('nothing may connect to the tasks', () => {
  expect(SERVICE.Resources.TaskSecurityGroup?.Properties).not.toHaveProperty(
    'SecurityGroupIngress',
  );
  const open = Object.values(SERVICE.Resources).filter(
    ({ Type, Properties }) =>
      Type === 'AWS::EC2::SecurityGroupIngress' && Properties.GroupId.Ref === 'TaskSecurityGroup',
  );
  expect(open).toEqual([]);
});

test('a service is replaced without a task less, and goes back to what it was where that fails', () => {
  for (const name of ['Worker', 'Starter']) {
    expect(SERVICE.Resources[name]?.Properties.DeploymentConfiguration).toEqual({
      MinimumHealthyPercent: 100,
      MaximumPercent: 200,
      DeploymentCircuitBreaker: { Enable: true, Rollback: true },
    });
    // Longer than the processes' own 10 s.
    expect(containerOf(`${name}Task`).StopTimeout).toBeGreaterThan(10);
  }
});

test('each alarm says what to do', () => {
  const alarms = [DATA, SERVICE]
    .flatMap(({ Resources }) => Object.values(Resources))
    .filter(({ Type }) => Type === 'AWS::CloudWatch::Alarm');
  expect(alarms.length).toBeGreaterThan(8);
  for (const { Properties } of alarms) {
    expect(Properties.AlarmDescription.length).toBeGreaterThan(60);
    const [action] = Properties.AlarmActions;
    if (/Workers$/.test(action.Ref)) expect(Properties.AlarmDescription).toMatch(/^Scaling: /);
    else expect(['Alarms', 'AlarmTopicArn']).toContain(action.Ref);
  }
});

test('failed runs are counted by the words of the log, and by workflows that there are', () => {
  const { FilterPattern } = SERVICE.Resources.FailedRuns?.Properties ?? {};
  const [, words] = /\$\.msg = "([^"]+)"/.exec(FilterPattern) ?? [];
  const sdk = new URL('../../node_modules/@temporalio/workflow/lib/logs.js', import.meta.url);
  expect(readFileSync(sdk, 'utf8')).toContain(`log.warn('${words}'`);
  const types = [...FilterPattern.matchAll(/workflowType = "(\w+)"/g)].map(([, type]) => type);
  expect(types).toHaveLength(4);
  expect(Object.keys(workflows)).toEqual(expect.arrayContaining(types));
});

test('what a crash leaves is removed later than any activity ends, in buckets of others as in our own', () => {
  const [working, uploads] = DATA.Resources.Bucket?.Properties.LifecycleConfiguration.Rules ?? [];
  const { Default: workingDays } = DATA.Parameters.WorkingDays ?? {};
  expect(working).toMatchObject({ Prefix: 'sheaf/', ExpirationInDays: { Ref: 'WorkingDays' } });
  expect(uploads).toMatchObject({ AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 } });
  expect(workingDays).toBeGreaterThan(7);
  expect(activityOptions.scheduleToCloseTimeout).toBe('1 day');
  expect(JSON.parse(templateText('lifecycle.json')).Rules).toMatchObject([
    { ID: working.Id, Filter: { Prefix: working.Prefix }, Expiration: { Days: workingDays } },
    {
      ID: uploads.Id,
      Filter: { Prefix: '' },
      AbortIncompleteMultipartUpload: uploads.AbortIncompleteMultipartUpload,
    },
  ]);
});

test.each(['data.yaml', 'service.yaml'])(
  'CloudFormation takes %s by itself, once deploy.sh has removed its comments',
  (name) => {
    const text = templateText(name).replaceAll(/^ *#.*\n/gm, '');
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(51_200);
  },
);

function containerOf(task: string) {
  return (SERVICE.Resources[task] as Resource).Properties.ContainerDefinitions[0];
}

function settingsOf(task: string): string[] {
  const { Environment, Secrets } = containerOf(task);
  return [...Environment, ...Secrets].map((entry) => (entry['Fn::If']?.[1] ?? entry).Name);
}
