/**
 * A program that calls a function which does nothing for so many items, 16 at once, and keeps no record
 * of it: the floor for whoever calls a function for each item. Prints the seconds that it took.
 */
const count = Number(process.argv[2]);
const LANES = 16;

async function noop(_item: { id: string; value: number }): Promise<void> {}

let next = 0;
async function lane(): Promise<void> {
  while (next < count) {
    const index = next++;
    await noop({ id: `1-${index}`, value: index % 1001 });
  }
}

const start = performance.now();
await Promise.all(Array.from({ length: LANES }, lane));
console.log((performance.now() - start) / 1000);
