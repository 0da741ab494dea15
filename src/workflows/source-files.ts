import type { InspectedArchive } from '../activities/inspect-archive.ts';
import type { SourceFiles } from '../activities/plan-split.ts';
import type { UnpackedArchive } from '../activities/unpack-pass.ts';
import type { Workspace } from '../activities/workspace.ts';
import { activitiesAt } from './place.ts';
import { uploadObject } from './upload.ts';

/** What a run knows of its archive once its files can be read; the report is of what that took, if anything. */
export interface OpenedSource {
  readonly files: SourceFiles;
  readonly unpacked: UnpackedArchive | undefined;
}

/** Makes the files of an archive readable where it lies, or in an object of records beside it. */
export async function openInS3(archive: InspectedArchive): Promise<OpenedSource> {
  const { indexTar, openStaging, stageArchive } = activitiesAt(undefined);
  switch (archive.container) {
    case 'zip':
      return {
        files: { origin: { kind: 'object', object: archive.source }, stretches: 0 },
        unpacked: undefined,
      };
    case 'tar':
      return opened(await indexTar(archive));
    case 'gzip': {
      const staged = await uploadObject(
        () => openStaging(archive),
        (upload) => stageArchive(archive, upload),
      );
      return opened(staged as UnpackedArchive);
    }
  }
}

/** Brings an archive, or what is in it, into a workspace on a disk. */
export async function openOnDisk(
  archive: InspectedArchive,
  workspace: Workspace,
): Promise<OpenedSource> {
  const { downloadArchive, extractArchive } = activitiesAt(workspace.place);
  return opened(
    archive.container === 'zip'
      ? await downloadArchive(archive, workspace)
      : await extractArchive(archive, workspace),
  );
}

function opened(unpacked: UnpackedArchive): OpenedSource {
  const { origin, stretches } = unpacked;
  return { files: { origin, stretches }, unpacked };
}
