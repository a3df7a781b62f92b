// Two videos that are played in step: what the one that follows is to do, so that both show the same moment.

/** Seconds apart that need no correction: less than a frame. */
const NEAR = 0.02;
/** Seconds apart from which on it jumps; below, it is played a little faster or slower. */
const FAR = 0.25;
/** The most by which it is played faster or slower. */
const MOST = 0.15;
/** Browsers play no faster. */
const FASTEST = 16;

export interface Correction {
  /** The time to jump to. */
  seek: number | null;
  /** How fast to play. */
  rate: number;
}

/** What a video at `time` does to be at `wanted`, which is played at `rate` or stands still. */
export function correction(time: number, wanted: number, rate: number, isPlaying: boolean): Correction {
  const apart = time - wanted;
  if (Math.abs(apart) > (isPlaying ? FAR : NEAR)) return { seek: wanted, rate };
  if (!isPlaying || Math.abs(apart) <= NEAR) return { seek: null, rate };
  return { seek: null, rate: Math.min(FASTEST, rate * (1 - Math.max(-MOST, Math.min(MOST, apart * 2)))) };
}

/** The second of the source that is the first of the result: a job may be of a part, such as `00:01:00-end`. */
export function beginOf(part: string | null | undefined): number {
  const numbers = (part ?? '').split('-')[0]?.split(':').map(Number) ?? [];
  const seconds = numbers.reduce((sum, number) => sum * 60 + number, 0);
  return Number.isFinite(seconds) ? seconds : 0;
}
