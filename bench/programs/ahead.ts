/** Gives what `begin` makes of each item, in order, while the next ones are under way: `count` at once. */
export async function* ahead<T, R>(
  items: Iterable<T>,
  count: number,
  begin: (item: T) => Promise<R>,
): AsyncGenerator<R> {
  const begun: Promise<R>[] = [];
  for (const item of items) {
    const result = begin(item);
    // Thrown when it is its turn.
    result.catch(() => {});
    begun.push(result);
    if (begun.length === count) yield (await begun.shift()) as R;
  }
  for (const result of begun) yield await result;
}
