import { type Command, InvalidArgumentError } from 'commander';
import type { PublishOptions } from '../report/publish.ts';

/** How competitors of any kind are measured. */
export interface ContestOptions extends PublishOptions {
  readonly rounds: number;
  readonly lanes: readonly number[];
  readonly only?: readonly string[];
  readonly cold: boolean;
  readonly memory?: true;
}

/** What the help of a contest says that is its own. */
export interface ContestHelp {
  /** Every competitor there is. */
  readonly ids: readonly string[];
  /** What there are lanes of, and the numbers of them that are tried. */
  readonly lanes: string;
  readonly numbers: number[];
  /** What a rehearsal is, and what memory is measured with. */
  readonly cold: string;
  readonly memory: string;
}

/** Adds the options that every contest has. */
export function addContestOptions(command: Command, help: ContestHelp): Command {
  return command
    .option('--rounds <count>', 'times that each competitor is measured', count, 3)
    .option('--lanes <counts>', help.lanes, counts, help.numbers)
    .option('--only <ids>', `competitors, of ${help.ids.join()}`, words)
    .option('--cold', help.cold, false)
    .option('--memory', help.memory)
    .option('--json <file>', 'where all figures go (default: .sheaf/bench/)')
    .option('--docs', 'put the figures into docs/benchmarks.md');
}

/** A command line's list of words. */
function words(text: string): string[] {
  return text.split(',');
}

/** A command line's list of numbers. */
export function counts(text: string): number[] {
  return words(text).map(count);
}

/** A command line's number. */
export function count(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new InvalidArgumentError('Expected a whole number from 1 up.');
}
