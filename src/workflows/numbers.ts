/** The whole numbers from 1 to `last`. */
export function* numbersTo(last: number): Generator<number> {
  for (let number = 1; number <= last; number++) yield number;
}
