// The lines of the log that the page keeps.
import type { LogLine, LogPage } from '../api/types';

/** Lines that are kept. */
export const MOST_LINES = 2000;

export interface Kept {
  lines: readonly LogLine[];
  /** The number behind which new ones are asked for. */
  next: number | null;
  /** Some before the first, or between two, are not shown. */
  hasGap: boolean;
}

export const NOTHING: Kept = { lines: [], next: null, hasGap: false };

/** With the lines of one more answer. */
export function withPage(kept: Kept, page: LogPage): Kept {
  const lines = [...kept.lines, ...page.lines];
  const hasGap = kept.hasGap || page.missed || lines.length > MOST_LINES;
  return { lines: lines.slice(-MOST_LINES), next: page.next, hasGap };
}
