import { expect, test } from 'vitest';
import { awsCalls } from '../support/aws-calls.ts';
import { readTemplate, templateText } from '../support/cloudformation.ts';

const TEMPLATE = readTemplate('service.yaml');

/** What IAM calls the permissions that a call needs. Source: Service Authorization Reference, S3 and SQS. */
const NEEDED: Record<string, readonly string[]> = {
  's3:GetObject': ['s3:GetObject'],
  's3:HeadObject': ['s3:GetObject'],
  's3:ListObjectsV2': ['s3:ListBucket'],
  's3:PutObject': ['s3:PutObject'],
  's3:CreateMultipartUpload': ['s3:PutObject'],
  's3:UploadPart': ['s3:PutObject'],
  's3:UploadPartCopy': ['s3:GetObject', 's3:PutObject'],
  's3:CompleteMultipartUpload': ['s3:PutObject'],
  's3:ListParts': ['s3:ListMultipartUploadParts'],
  's3:AbortMultipartUpload': ['s3:AbortMultipartUpload'],
  's3:DeleteObjects': ['s3:DeleteObject'],
  'sqs:GetQueueUrl': ['sqs:GetQueueUrl'],
  'sqs:GetQueueAttributes': ['sqs:GetQueueAttributes'],
  'sqs:SendMessage': ['sqs:SendMessage'],
  'sqs:ReceiveMessage': ['sqs:ReceiveMessage'],
  'sqs:DeleteMessage': ['sqs:DeleteMessage'],
  'sqs:DeleteMessageBatch': ['sqs:DeleteMessage'],
  'sqs:ChangeMessageVisibility': ['sqs:ChangeMessageVisibility'],
  'sqs:ChangeMessageVisibilityBatch': ['sqs:ChangeMessageVisibility'],
  // lib-storage tags objects where it is given tags, which it is not.
  's3:PutObjectTagging': [],
  // doctor reads the clock off the answer; a refusal has one, too.
  's3:ListBuckets': [],
};

/** Permissions that no call of ours asks for. */
const OTHERS: Record<string, Record<string, string>> = {
  WorkerRole: {
    'kms:Decrypt': 'S3 reads with it, for whoever asks, objects that are encrypted with a key',
    'kms:GenerateDataKey': 'and writes them',
    'elasticfilesystem:ClientMount': 'the mount of EFS_PATH',
    'elasticfilesystem:ClientWrite': 'and what is unpacked there',
  },
  StarterRole: {},
  OperatorRole: {
    'kms:Decrypt': 'as workers',
    'kms:GenerateDataKey': 'as workers',
  },
};

test.each([
  ['WorkerRole', ['src/worker/run.ts']],
  ['StarterRole', ['src/starter/run.ts']],
  ['OperatorRole', ['src/worker/run.ts', 'src/cli/doctor.ts', 'src/cli/redrive.ts']],
])('%s may do what the code calls on S3 and SQS, and nothing else', (role, entries) => {
  const needed = [...awsCalls(...entries)].flatMap((call) => {
    const permissions = NEEDED[call];
    if (!permissions) throw new Error(`Which permission does ${call} need?`);
    return permissions;
  });
  const wanted = new Set([...needed, ...Object.keys(OTHERS[role] ?? {})]);
  const allowed = new Set(allStatementsOf(role).flatMap(({ Action }) => Action));
  expect([...allowed].sort()).toEqual([...wanted].sort());
});

test('what is deleted is working objects, what is written lies in folders, and no queue is a pattern', () => {
  for (const role of Object.keys(OTHERS)) {
    for (const { Action, Resource } of allStatementsOf(role)) {
      const resources = Resource.map((resource) => JSON.stringify(resource));
      expect(resources).not.toContain('"*"');
      if (Action.includes('s3:DeleteObject')) {
        for (const resource of resources) expect(resource).toMatch(/Bucket\}\/sheaf\/\*"/);
      }
      if (Action.includes('s3:PutObject')) {
        for (const resource of resources) {
          expect(resource).toMatch(/\/(batch|items|sheaf|\$\{ArchiveFolder\})\/\*"/);
        }
      }
      if (Action.some((action) => action.startsWith('sqs:'))) {
        for (const resource of resources) expect(resource).not.toContain('*');
      }
    }
  }
});

test('each permission has its reason above it', () => {
  const lines = templateText('service.yaml').split('\n');
  const statements = Object.keys(TEMPLATE.Resources).flatMap(statementsOf);
  const isAllowed = (number: number) =>
    /- Sid: /.test(lines[number] ?? '') && /Effect: Allow/.test(lines[number + 1] ?? '');
  const places = lines.flatMap((_, number) => (isAllowed(number) ? number : []));
  expect(places).toHaveLength(statements.length);
  for (const [index, { Sid, Action }] of statements.entries()) {
    let above = (places[index] ?? 0) - 1;
    while (/^\s+(- !If|- Has\w+)$/.test(lines[above] ?? '')) above--;
    let reason = '';
    for (; /^\s+#/.test(lines[above] ?? ''); above--) reason = `${lines[above]} ${reason}`;
    expect(reason, `the reason of ${Sid}`).not.toBe('');
    if (Action.length === 1) continue;
    const names = Action.map((action) => action.split(':')[1]);
    for (const name of names)
      expect(reason, `the reasons of ${Sid}`).toMatch(new RegExp(`\\b${name}\\b`));
  }
});

interface Statement {
  readonly Sid: string;
  readonly Action: readonly string[];
  readonly Resource: readonly unknown[];
}

/** What a role allows, under whatever condition, with the policies that it shares with others. */
function allStatementsOf(role: string): Statement[] {
  const shared: { Ref: string }[] = TEMPLATE.Resources[role]?.Properties.ManagedPolicyArns ?? [];
  return [role, ...shared.map(({ Ref }) => Ref)].flatMap(statementsOf);
}

/** What a role or policy allows by itself; other resources allow nothing. */
function statementsOf(name: string): Statement[] {
  const { Type, Properties } = TEMPLATE.Resources[name] ?? {};
  if (Type === 'AWS::IAM::ManagedPolicy') return read(Properties.PolicyDocument);
  if (Type !== 'AWS::IAM::Role') return [];
  return [Properties.Policies].flat().flatMap((each) => read(either(each).PolicyDocument));
}

function read({ Statement }: { readonly Statement: readonly unknown[] }): Statement[] {
  return Statement.map((each) => {
    const { Sid, Action, Resource } = either(each);
    return { Sid, Action: [Action].flat(), Resource: [Resource].flat() };
  });
}

/** What there is where a condition holds. */
// biome-ignore lint/suspicious/noExplicitAny: as deep as CloudFormation's own schema.
function either(value: any) {
  return value['Fn::If']?.[1] ?? value;
}
