import { type LoggerOptions, pino } from 'pino';
import type { Config } from './config.ts';

/** How our processes log; Temporal's own logger has the same calls. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/**
 * A process's logger: JSON lines on stderr, or lines for people with `DEV_MODE=1`; debug level with
 * `APP_DEBUG=1`.
 *
 * @param name the process, e.g. `worker`
 */
export function createLog(name: string, { APP_DEBUG, DEV_MODE }: Config): Log {
  const options: LoggerOptions = {
    level: APP_DEBUG ? 'debug' : 'info',
    base: { name, pid: process.pid },
  };
  if (!DEV_MODE) {
    const formatters = { level: (label: string) => ({ level: label }) };
    const readable = { ...options, formatters, timestamp: pino.stdTimeFunctions.isoTime };
    return pino(readable, pino.destination({ fd: 2, sync: true }));
  }
  return pino({
    ...options,
    transport: { target: 'pino-pretty', options: { destination: 2, ignore: 'pid,hostname' } },
  });
}
