import { afterAll } from 'vitest';
import { cleanUpFile } from './afterwards.ts';

// Run for each file, whereas modules are loaded once a process; and before it, because a hook is too
// late to add another hook.
afterAll(cleanUpFile);
