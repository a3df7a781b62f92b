// Which finished parts of a film are read, when it is played while the rest is made.

/** A finished segment, in seconds of the result. */
export interface Part {
  segment: number;
  start: number;
  end: number;
}

/** Parts that lie no farther apart than this are one after the other: times are rounded on their way. */
const NEAR = 0.02;

/** The part in which a time lies; null where it is not made yet. */
export function partAt(parts: readonly Part[], time: number): Part | null {
  return parts.find((part) => time >= part.start - NEAR && time < part.end) ?? null;
}

/** The part to read next: the first one from `time` on that is not there yet, without a hole before it, and that begins within `ahead`. */
export function wanted(parts: readonly Part[], time: number, ahead: number, has: (segment: number) => boolean): Part | null {
  let end: number | null = null;
  for (const part of parts) {
    if (part.end <= time) continue;
    const isNext: boolean = end === null ? part.start - NEAR <= time : part.start - end <= NEAR;
    if (!isNext || part.start > time + ahead) return null;
    if (!has(part.segment)) return part;
    end = part.end;
  }
  return null;
}

/** The runs of parts without a hole, for people: from when to when something can be played. */
export function ranges(parts: readonly Part[]): { start: number; end: number }[] {
  const found: { start: number; end: number }[] = [];
  for (const { start, end } of parts) {
    const last = found.at(-1);
    if (last && start - last.end <= NEAR) last.end = end;
    else found.push({ start, end });
  }
  return found;
}
