import { readFileSync } from 'node:fs';
import { type CollectionTag, parseDocument, type ScalarTag, YAMLSeq } from 'yaml';

/** A template, with functions in their long form, as JSON has them: `{"Fn::Sub": "…"}`, `{"Ref": "…"}`. */
export interface Template {
  readonly Parameters: Record<string, { readonly Default?: unknown }>;
  readonly Resources: Record<string, Resource>;
}

export interface Resource {
  readonly Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: as deep as CloudFormation's own schema.
  readonly Properties: any;
}

const FUNCTIONS = [
  'Equals',
  'FindInMap',
  'GetAtt',
  'If',
  'Join',
  'Not',
  'Or',
  'Select',
  'Split',
  'Sub',
];

/** The text of a file of deploy/aws/. */
export function templateText(name: string): string {
  return readFileSync(new URL(`../../deploy/aws/${name}`, import.meta.url), 'utf8');
}

/** Reads a template of deploy/aws/. Throws where it has a function that is not known here. */
export function readTemplate(name: string): Template {
  const document = parseDocument(templateText(name), { customTags: TAGS });
  for (const problem of [...document.errors, ...document.warnings]) throw problem;
  return document.toJS();
}

const TAGS = ['Ref', ...FUNCTIONS].flatMap((name): (ScalarTag | CollectionTag)[] => {
  const tag = `!${name}`;
  const long = (value: unknown) => ({ [name === 'Ref' ? name : `Fn::${name}`]: value });
  return [
    { tag, resolve: (text) => long(name === 'GetAtt' ? text.split('.') : text) },
    { tag, collection: 'seq', nodeClass: longSequence(long) },
  ];
});

/** A list that is written as the argument of a function. */
function longSequence(long: (list: unknown) => unknown) {
  return class extends YAMLSeq {
    override toJSON(...args: Parameters<YAMLSeq['toJSON']>) {
      return long(super.toJSON(...args)) as unknown[];
    }
  };
}
