/** How many objects an error names; the list beside it has more. */
const NAMED = 10;

/** Names objects in a sentence: the first ten, and how many more there are. */
export function listUrls(urls: readonly string[]): string {
  const more = urls.length - NAMED;
  const named = urls.slice(0, NAMED).join(', ');
  return more > 0 ? `${named}, and ${more} more` : named;
}
