/** The task queue on which workers are asked to take part in limited batches: it has room for all of them. */
export function limitQueue(taskQueue: string): string {
  return `${taskQueue}-limits`;
}
