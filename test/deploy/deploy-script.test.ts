import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { tempFolder } from '../support/temp-folder.ts';

const SCRIPT = fileURLToPath(new URL('../../deploy/deploy.sh', import.meta.url));

/** Stands in for the AWS command line: writes down what it is called with, and answers from files. */
const AWS = `#!/usr/bin/env bash
echo "aws $*" >>"$CALLS"
option() { while [ $# -gt 1 ]; do [ "$2" = "$1" ] && echo "$3" && return; set -- "$1" "\${@:3}"; done; }
case "$1 $2" in
  "sts get-caller-identity") [ ! -f "$ANSWERS/unknown" ] && echo 123456789012 ;;
  "ec2 describe-vpcs") echo vpc-1 ;;
  "ec2 describe-subnets") printf 'subnet-a\\teast-2a\\tTrue\\nsubnet-b\\teast-2a\\tTrue\\nsubnet-c\\teast-2b\\tTrue\\n' ;;
  "cloudformation describe-stacks")
    file=$ANSWERS/$(option --stack-name "$@")
    case "$*" in
      *StackStatus*) cat "$file.status" 2>/dev/null || exit 254 ;;
      *Parameters*) cat "$file.parameters" 2>/dev/null || exit 254 ;;
    esac ;;
  "cloudformation create-change-set")
    parameters=$(option --parameters "$@") && cat "\${parameters#file://}" >"$ANSWERS/$(option --stack-name "$@").json" ;;
  "cloudformation wait") [ ! -f "$ANSWERS/$3.fails" ] || exit 255 ;;
  "cloudformation describe-change-set") case "$*" in *StatusReason*) cat "$ANSWERS/reason" ;; *) echo "| Add | Thing |" ;; esac ;;
  "cloudformation describe-stack-events") echo "| Worker | no such image |" ;;
  "ecr describe-"*) exit 254 ;;
  "ecr get-login-password") echo password ;;
esac
`;

const DOCKER = `#!/usr/bin/env bash
echo "docker $*" >>"$CALLS"
[ "$1" != login ] || cat >/dev/null
`;

const GIVEN = [
  '--image',
  'example.com/sheaf:1',
  '--set',
  'TemporalAddress=temporal.example.com:7233',
];

interface Deployment {
  readonly exitCode: number | undefined;
  readonly output: string;
  /** What was called, a line a call. */
  readonly calls: readonly string[];
  /** The parameters of a stack's change set. */
  parameters(stack: string): Promise<Record<string, string | true>>;
}

/** Runs the script. \`answers\`: what the stand-in finds in files, by their names. */
async function deploy(
  args: readonly string[],
  { input = '', answers = {} }: { input?: string; answers?: Record<string, string> } = {},
): Promise<Deployment> {
  const folder = await tempFolder();
  const bin = join(folder, 'bin');
  const files = join(folder, 'answers');
  await mkdir(bin);
  await mkdir(files);
  for (const [name, code] of [
    ['aws', AWS],
    ['docker', DOCKER],
  ] as const) {
    await writeFile(join(bin, name), code);
    await chmod(join(bin, name), 0o755);
  }
  for (const [name, text] of Object.entries(answers)) await writeFile(join(files, name), text);
  const calls = join(folder, 'calls');
  await writeFile(calls, '');
  const { exitCode, all } = await execa('bash', [SCRIPT, ...args], {
    input,
    all: true,
    reject: false,
    extendEnv: false,
    env: {
      PATH: [bin, process.env.PATH].join(delimiter),
      CALLS: calls,
      ANSWERS: files,
    },
  });
  return {
    exitCode,
    output: all,
    calls: (await readFile(calls, 'utf8')).trim().split('\n'),
    parameters: async (stack) => {
      const list: { ParameterKey: string; ParameterValue?: string; UsePreviousValue?: true }[] =
        JSON.parse(await readFile(join(files, `${stack}.json`), 'utf8'));
      const entries = list.map(({ ParameterKey, ParameterValue, UsePreviousValue }) => [
        ParameterKey,
        ParameterValue ?? UsePreviousValue,
      ]);
      return Object.fromEntries(entries);
    },
  };
}

/** Where the first call lies that has these words; -1 where none does. */
function at({ calls }: Deployment, ...words: string[]): number {
  return calls.findIndex((call) => words.every((word) => call.includes(word)));
}

test('both change sets are shown before anything is carried out, data first, in us-east-2', async () => {
  const answers = '\n'.repeat(13);
  const run = await deploy(GIVEN, { input: `${answers}yes\n` });
  expect(run.output).toContain('Account 123456789012, region us-east-2');
  expect(run.exitCode).toBe(0);
  const order = [
    at(run, 'create-change-set', '--stack-name sheaf-data', 'data.yaml'),
    at(run, 'describe-change-set', '--stack-name sheaf-data'),
    at(run, 'create-change-set', '--stack-name sheaf ', 'service.yaml'),
    at(run, 'describe-change-set', '--stack-name sheaf '),
    at(run, 'execute-change-set', '--stack-name sheaf-data'),
    at(run, 'wait stack-create-complete', '--stack-name sheaf-data'),
    at(run, 'execute-change-set', '--stack-name sheaf '),
    at(run, 'wait stack-create-complete', '--stack-name sheaf '),
  ];
  expect(order).not.toContain(-1);
  expect(order).toEqual([...order].sort((a, b) => a - b));
  expect(run.calls.filter((call) => !call.includes('--region us-east-2'))).toEqual([]);
  expect(run.calls.filter((call) => /delete-|docker|create-repository/.test(call))).toEqual([]);
});

test('what is not answered is found out: network, bucket, topic', async () => {
  const run = await deploy([...GIVEN, '--yes', '--region', 'eu-west-1', '--name', 'herbarium']);
  expect(run.exitCode).toBe(0);
  const bucket = 'herbarium-123456789012-eu-west-1';
  expect(await run.parameters('herbarium-data')).toEqual({
    Name: 'herbarium',
    MakeBucket: 'yes',
    IncomingBucket: '',
    AlarmEmail: '',
  });
  expect(await run.parameters('herbarium')).toMatchObject({
    Name: 'herbarium',
    ImageUri: 'example.com/sheaf:1',
    EcrRepository: '',
    TemporalAddress: 'temporal.example.com:7233',
    TemporalNamespace: 'default',
    VpcId: 'vpc-1',
    SubnetA: 'subnet-a',
    SubnetB: 'subnet-c',
    AssignPublicIp: 'ENABLED',
    SourceBucket: bucket,
    IncomingBucket: bucket,
    AlarmTopicArn: 'arn:aws:sns:eu-west-1:123456789012:herbarium-alarms',
  });
});

test('anything but yes removes both change sets and the empty stacks, and changes nothing', async () => {
  for (const answer of ['no\n', '\n', '']) {
    const run = await deploy(GIVEN, { input: '\n'.repeat(13) + answer });
    expect(run.exitCode).toBe(0);
    expect(run.output).toContain('Nothing was changed.');
    expect(at(run, 'execute-change-set')).toBe(-1);
    expect(at(run, 'delete-change-set', '--stack-name sheaf-data')).toBeGreaterThan(0);
    expect(at(run, 'delete-change-set', '--stack-name sheaf ')).toBeGreaterThan(0);
    expect(at(run, 'delete-stack', '--stack-name sheaf-data')).toBeGreaterThan(0);
  }
});

test('a stack that is there is updated, with the values that it has, and kept if the answer is no', async () => {
  const answers = {
    'sheaf.status': 'UPDATE_COMPLETE',
    'sheaf.parameters':
      'Name\tsheaf\nWorkerMax\t30\nTemporalAddress\told:7233\nVpcId\tvpc-9\nSourceBucket\tmine\n',
    'sheaf-data.status': 'CREATE_COMPLETE',
    'sheaf-data.parameters':
      'Name\tsheaf\nMakeBucket\tyes\nWorkingDays\t30\nAlarmEmail\ta@example.com\n',
  };
  const args = ['--image', 'example.com/sheaf:2', '--set', 'WorkerMin=3'];
  const run = await deploy([...args, '--yes'], { answers });
  expect(run.exitCode).toBe(0);
  expect(at(run, 'wait stack-update-complete', '--stack-name sheaf ')).toBeGreaterThan(0);
  expect(await run.parameters('sheaf')).toMatchObject({
    ImageUri: 'example.com/sheaf:2',
    TemporalAddress: 'old:7233',
    VpcId: 'vpc-9',
    SourceBucket: 'mine',
    WorkerMin: '3',
    WorkerMax: true,
  });
  expect(await run.parameters('sheaf-data')).toMatchObject({
    WorkingDays: true,
    AlarmEmail: 'a@example.com',
  });
  expect(run.output).toMatch(/These buckets are your own[\s\S]*\n\nmine$/);

  const planned = await deploy([...args, '--plan', '--yes'], { answers });
  expect(planned.output).toContain('Nothing was changed.');
  expect(at(planned, 'delete-change-set')).toBeGreaterThan(0);
  expect(at(planned, 'delete-stack')).toBe(-1);
  expect(at(planned, 'execute-change-set')).toBe(-1);
});

test('with --image current, other things are changed alone', async () => {
  const answers = {
    'sheaf.status': 'UPDATE_COMPLETE',
    'sheaf.parameters': 'Name\tsheaf\nImageUri\texample.com/sheaf:7\nTemporalAddress\told:7233\n',
  };
  const run = await deploy(['--image', 'current', '--yes'], { answers });
  expect(run.exitCode).toBe(0);
  expect(await run.parameters('sheaf')).toMatchObject({ ImageUri: 'example.com/sheaf:7' });
  expect(at(run, 'docker')).toBe(-1);
});

test('where nothing would change, it says so', async () => {
  const run = await deploy([...GIVEN, '--yes'], {
    answers: {
      'sheaf.status': 'UPDATE_COMPLETE',
      'sheaf-data.status': 'UPDATE_COMPLETE',
      'change-set-create-complete.fails': '',
      reason: "The submitted information didn't contain changes.",
    },
  });
  expect(run.output).toContain('All is as it should be.');
  expect(run.exitCode).toBe(0);
  expect(at(run, 'execute-change-set')).toBe(-1);
});

test('what CloudFormation refuses is told, and leaves nothing', async () => {
  const run = await deploy([...GIVEN, '--yes'], {
    answers: { 'change-set-create-complete.fails': '', reason: 'VpcId is no VPC' },
  });
  expect(run.exitCode).toBe(1);
  expect(run.output).toContain("CloudFormation can't plan the stack sheaf-data: VpcId is no VPC");
  expect(at(run, 'delete-stack', 'sheaf-data')).toBeGreaterThan(0);
  expect(at(run, 'execute-change-set')).toBe(-1);
});

test('a stack that does not come up ends it, with what has failed', async () => {
  const run = await deploy([...GIVEN, '--yes'], {
    answers: { 'stack-create-complete.fails': '' },
  });
  expect(run.exitCode).toBe(1);
  expect(run.output).toContain('| Worker | no such image |');
  expect(at(run, 'execute-change-set', '--stack-name sheaf ')).toBe(-1);
});

test('without an image, one is built and pushed, once the answer is yes', async () => {
  const args = ['--set', 'TemporalAddress=t:7233', '--set', 'Architecture=ARM64'];
  const run = await deploy([...args, '--yes']);
  expect(run.exitCode).toBe(0);
  const { ImageUri = '', EcrRepository } = await run.parameters('sheaf');
  expect(ImageUri).toMatch(/^123456789012\.dkr\.ecr\.us-east-2\.amazonaws\.com\/sheaf:[0-9a-f-]+$/);
  expect(EcrRepository).toBe('sheaf');
  const order = [
    at(run, 'describe-change-set', '--stack-name sheaf '),
    at(run, 'ecr create-repository'),
    at(run, 'docker build --platform linux/arm64', String(ImageUri)),
    at(run, 'docker push', String(ImageUri)),
    at(run, 'execute-change-set', '--stack-name sheaf-data'),
  ];
  expect(order).not.toContain(-1);
  expect(order).toEqual([...order].sort((a, b) => a - b));
});

test.each([
  [{ unknown: '' }, GIVEN, 'AWS does not know you'],
  [{}, [...GIVEN, '--set', 'WorkersMax=3'], 'there is no parameter WorkersMax'],
  [{}, [...GIVEN, '--name', 'Sheaf!'], '--name: expected 2 to 20 lower-case letters'],
  [{}, [...GIVEN, '--frob'], 'There is no option --frob.'],
  [{}, ['--image', 'a/b:1'], "Temporal's address is needed"],
  [{ 'sheaf-data.status': 'UPDATE_IN_PROGRESS' }, GIVEN, 'is being changed (UPDATE_IN_PROGRESS)'],
])('it stops before it plans anything: %j %j', async (answers, args, message) => {
  const run = await deploy([...args, '--yes'], { answers });
  expect(run.exitCode).toBe(1);
  expect(run.output).toContain(message);
  expect(at(run, 'change-set')).toBe(-1);
});
