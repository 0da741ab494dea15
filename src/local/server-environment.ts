/** Settings by which a server would read a person's own configuration instead of ours. */
const FOREIGN = /^(AWS_|S3_|WEED_|MINISTACK_|TEMPORAL_|SERVICES$|AUTH$|USE_SSL$|LOG_LEVEL$)/;

/** A server's environment: ours, without what is meant for clients of other servers, and `own`. */
export function serverEnvironment(
  env: NodeJS.ProcessEnv,
  own: Record<string, string> = {},
): NodeJS.ProcessEnv {
  const inherited = Object.entries(env).filter(([name]) => !FOREIGN.test(name));
  return { ...Object.fromEntries(inherited), ...own };
}

/** What to do when a server did not start, from the end of its output. */
export function startAdvice(server: { origin: string }): (output: string) => string {
  return (output) => {
    if (/in use|not available/i.test(output)) {
      return 'A port was taken by another program meanwhile: start again, or ask for other ports.';
    }
    const pinned = `The program came from ${server.origin}`;
    return `${pinned}: if it is another version than tools/requirements.in pins, that may be why.`;
  };
}
