/** Reads a running total of processes. */
type Reading = (pid: number) => number | undefined;

/** Reads a running total of processes now; what it returns tells how much has been added since. */
export function stopwatch(pids: readonly number[], read: Reading): () => number | undefined {
  const before = total(pids, read);
  return () => {
    const after = total(pids, read);
    return before === undefined || after === undefined ? undefined : after - before;
  };
}

/** Adds up what processes read as; undefined where one can't be read. */
export function total(pids: readonly number[], read: Reading): number | undefined {
  return pids.map(read).reduce((sum, value) => {
    return sum === undefined || value === undefined ? undefined : sum + value;
  }, 0);
}
