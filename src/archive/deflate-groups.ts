/**
 * Files are deflated in groups of about this size (bytes): what an attempt that dies loses, and what
 * workers share. Larger archives have larger groups, so that there are some hundreds of them.
 */
const GROUP_BYTES = 64 * 1024 * 1024;
const MAX_GROUPS = 500;

/** Neighbours that are deflated together: indexes of files, `end` not included. */
export interface DeflateGroup {
  readonly first: number;
  readonly end: number;
}

/** Cuts files, given by their sizes in bytes, into groups. */
export function deflateGroups(sizes: readonly number[]): DeflateGroup[] {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  const target = Math.max(GROUP_BYTES, total / MAX_GROUPS);
  const maxFiles = Math.max(1000, Math.ceil(sizes.length / MAX_GROUPS));
  const groups: DeflateGroup[] = [];
  let first = 0;
  let bytes = 0;
  for (const [index, size] of sizes.entries()) {
    if (index > first && (bytes + size > target || index - first >= maxFiles)) {
      groups.push({ first, end: index });
      first = index;
      bytes = 0;
    }
    bytes += size;
  }
  if (first < sizes.length) groups.push({ first, end: sizes.length });
  return groups;
}
