/** What a check has found, in a line. */
export interface Finding {
  /** What was looked at: `Temporal`, `S3 zip-storage`, … */
  readonly area: string;
  /** `warn` is for what works, and may yet surprise. */
  readonly verdict: 'pass' | 'warn' | 'fail';
  readonly message: string;
  /** What to do, where it is not a pass. */
  readonly remedy?: string;
}

export function pass(area: string, message: string): Finding {
  return { area, verdict: 'pass', message };
}

export function warn(area: string, message: string, remedy: string): Finding {
  return { area, verdict: 'warn', message, remedy };
}

export function fail(area: string, message: string, remedy: string): Finding {
  return { area, verdict: 'fail', message, remedy };
}
