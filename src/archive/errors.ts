/**
 * The archive, its manifest or a name in it breaks a rule. Trying again can't help: the same bytes
 * give the same answer. The message says what is wrong and where (entry, line, offset).
 */
export class ArchiveError extends Error {
  override readonly name: string = 'ArchiveError';
}

/** The manifest CSV breaks a rule: no header, no image column, a row that no dialect reads. */
export class ManifestError extends ArchiveError {
  override readonly name: string = 'ManifestError';
}

/** A configured limit is exceeded; the message names the setting that raises it. */
export class LimitError extends ArchiveError {
  override readonly name: string = 'LimitError';
}
