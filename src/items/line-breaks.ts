const LINE_FEED = 0x0a;

/** Where line breaks are that no record has been found for yet. */
export class LineBreaks {
  #offsets: number[] = [];
  #taken = 0;

  /** @param start the offset of the bytes */
  add(bytes: Buffer, start: number): void {
    this.#offsets = this.#offsets.slice(this.#taken);
    this.#taken = 0;
    for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED, at + 1)) {
      this.#offsets.push(start + at);
    }
  }

  /** Takes those before an offset; gives how many there were. */
  takeBefore(offset: number): number {
    const before = this.#taken;
    while ((this.#offsets[this.#taken] ?? Number.POSITIVE_INFINITY) < offset) this.#taken += 1;
    return this.#taken - before;
  }
}
