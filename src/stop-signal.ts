/** Is aborted by the first SIGTERM or SIGINT, as PID 1 of a container too: this process is to stop. */
export function stopSignal(): AbortSignal {
  const controller = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => controller.abort());
  return controller.signal;
}
