import type { ArchiveLimits } from '../archive/archive-limits.ts';
import type { Config } from '../config.ts';

/** How large a source archive may be, by the settings of this worker. */
export function archiveLimits(config: Config): ArchiveLimits {
  return {
    maxEntries: config.MAX_ENTRIES,
    maxEntryBytes: config.MAX_ENTRY_BYTES,
    maxTotalBytes: config.MAX_TOTAL_BYTES,
    maxRatio: config.MAX_RATIO,
  };
}
