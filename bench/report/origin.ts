import { formatBytes } from '../../src/cli/format.ts';
import type { Machine } from '../measure/machine.ts';

/** Where and when figures were taken, in a line. */
export function describeOrigin(machine: Machine, measuredAt: string): string {
  const { processor, cores, memory, system, node } = machine;
  return `${measuredAt.slice(0, 10)}: ${processor}, ${cores} cores, ${formatBytes(memory)} of memory, ${system}, Node ${node}`;
}
