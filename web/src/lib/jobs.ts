// How lists of jobs change: pure, so that it can be tested.
import type { Counts, Job, Progress } from '../api/types';

/** A job as the page has it. */
export interface Shown extends Job {
  /** When the server said so, by the clock of the browser. */
  seen: number;
  /** Segments that are made again after they were finished; the share of the work stands still meanwhile. */
  again: number;
}

export type Kind = keyof Counts;

/** The kind of a job, as the list of the API has it. */
export function kindOf(job: { status: string }): Kind {
  switch (job.status) {
    case 'running':
    case 'paused':
    case 'failed':
    case 'done':
    case 'canceled':
      return job.status;
    default:
      return 'waiting';
  }
}

/** True for jobs that wait for something which a person may have to bring. */
export function isBlocked(job: { status: string }): boolean {
  return job.status === 'waiting for space' || job.status === 'waiting for folder';
}

export function hasEnded(job: { status: string }): boolean {
  return job.status === 'done' || job.status === 'failed' || job.status === 'canceled';
}

/** What a job looks like after the server told something new: the work that is done never goes back before one's eyes. */
export function shown(job: Job, before: Shown | undefined, seen: number): Shown {
  if (before === undefined || hasEnded(before) || hasEnded(job)) return { ...job, seen, again: 0 };
  const fresh = { ...job, seen, again: 0 };
  if (job.frames_done >= before.frames_done) return fresh;
  // Frames of an attempt that was given up go; they come again.
  const finishedBefore = before.segments_done + before.again;
  return { ...fresh, frames_done: before.frames_done, again: Math.max(0, finishedBefore - job.segments_done) };
}

/** A job with newer figures. */
export function withProgress(before: Shown, progress: Progress, seen: number): Shown {
  const { frames, engine, ...rest } = progress;
  const job: Job = { ...before, ...rest, frames: frames ?? before.frames ?? null, engine: engine ?? before.engine ?? null };
  return shown(job, before, seen);
}

/** The list with a job in the place of the one of its number; the same list where there is none. */
export function replaced(list: readonly Shown[], job: Shown): readonly Shown[] {
  const at = list.findIndex((one) => one.id === job.id);
  return at < 0 ? list : list.with(at, job);
}

export function without(list: readonly Shown[], ids: ReadonlySet<number>): readonly Shown[] {
  return list.some((job) => ids.has(job.id)) ? list.filter((job) => !ids.has(job.id)) : list;
}

/** The list after its beginning was read again: what came behind that stays, where it follows on. */
export function withHead(
  list: readonly Shown[],
  head: readonly Shown[],
  hasMore: boolean,
): { jobs: readonly Shown[]; keepsTail: boolean } {
  const last = head.at(-1);
  if (!hasMore || last === undefined) return { jobs: head, keepsTail: false };
  const known = new Set(head.map((job) => job.id));
  const at = list.findIndex((job) => job.id === last.id);
  const tail = at < 0 ? [] : list.slice(at + 1).filter((job) => !known.has(job.id));
  return { jobs: [...head, ...tail], keepsTail: tail.length > 0 };
}

/** The list with another page behind it. */
export function withPage(list: readonly Shown[], page: readonly Shown[]): readonly Shown[] {
  const known = new Set(list.map((job) => job.id));
  return [...list, ...page.filter((job) => !known.has(job.id))];
}

/** The places that a waiting job may take: those of the jobs of its priority, as first and last index. */
export function placesOf(list: readonly Shown[], job: Shown): [number, number] {
  const first = list.findIndex((one) => one.priority === job.priority);
  const last = list.findLastIndex((one) => one.priority === job.priority);
  return [first, last];
}

/** The list with a job at another place. */
export function moved(list: readonly Shown[], from: number, to: number): readonly Shown[] {
  const job = list[from];
  return job === undefined ? list : list.toSpliced(from, 1).toSpliced(to, 0, job);
}

/** Ids from one to another in a list, both included, whichever comes first. */
export function between(list: readonly Shown[], from: number, to: number): number[] {
  const [a, b] = [list.findIndex((job) => job.id === from), list.findIndex((job) => job.id === to)];
  if (a < 0 || b < 0) return [to];
  return list.slice(Math.min(a, b), Math.max(a, b) + 1).map((job) => job.id);
}
