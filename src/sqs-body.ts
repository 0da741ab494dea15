/**
 * A JSON body as SQS takes it: the two characters that it refuses and that JSON does not escape are
 * escaped. Names, ids and errors may hold them.
 */
export function acceptable(json: string): string {
  return json.replace(/[\ufffe\uffff]/g, (character) =>
    character === '\ufffe' ? '\\ufffe' : '\\uffff',
  );
}
