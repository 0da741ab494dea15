import { isIdle } from './folder-tree.ts';
import { type Swept, sweep } from './sweep.ts';
import { isWorkspaceName, readWorkspaceRun } from './workspace-folder.ts';

/**
 * How long a workspace on a shared mount must not have been touched before it may be removed (ms):
 * one in use is touched every minute, and clocks of machines never differ by so much.
 */
const IDLE_MS = 60 * 60 * 1000;

/**
 * Removes the workspaces on a shared mount that an ending could not remove because its worker died:
 * those that nobody has touched for an hour, and whose run is no longer open. A run that is not known
 * counts as one that is not open: where several Temporal servers share a mount, what is in use there
 * is touched. Folders of other programs stay as they are.
 *
 * @param isOpen asks Temporal about a run; where it rejects, the workspace stays
 */
export function sweepSharedRoot(
  root: string,
  isOpen: (workflowId: string, runId: string) => Promise<boolean>,
): Promise<Swept> {
  return sweep(root, async (path, name) => {
    if (!isWorkspaceName(name) || !(await isIdle(path, IDLE_MS))) return false;
    // Without its ids it is what somebody else's sweep has left, or a death at its making.
    const run = await readWorkspaceRun(path);
    if (run && (await isOpen(run.workflowId, run.runId))) return false;
    return isIdle(path, IDLE_MS);
  });
}
