// The strip of segments: neighbours that look alike are one rectangle.
import type { Segment } from '../api/types';
import { words } from '../words';

export type Look = 'finished' | 'reused' | 'running' | 'waiting' | 'failed';

/** Segments from `from` to before `to` that look alike. */
export interface Run {
  look: Look;
  from: number;
  to: number;
}

/** Rectangles that a strip has at most. */
export const MOST_RUNS = 2000;

/** How a segment looks. One whose attempts failed is told apart only in a job that has failed: else it is simply tried again. */
export function lookOf(segment: Segment, hasJobFailed: boolean): Look {
  if (segment.state === 'finished') {
    const frames = segment.end - segment.first;
    return (segment.reused_frames ?? 0) * 2 > frames ? 'reused' : 'finished';
  }
  if (segment.state === 'running') return 'running';
  return hasJobFailed && segment.failed_attempts > 0 ? 'failed' : 'waiting';
}

/** The runs of a list of looks. */
export function runs(looks: readonly Look[]): Run[] {
  const found: Run[] = [];
  for (const [index, look] of looks.entries()) {
    const last = found.at(-1);
    if (last?.look === look) last.to = index + 1;
    else found.push({ look, from: index, to: index + 1 });
  }
  return found.length <= MOST_RUNS ? found : runs(coarse(looks));
}

/** What must be seen however narrow it is, in this order; then what most of the segments are. */
const FIRST: readonly Look[] = ['failed', 'running'];

/** The looks of as many groups as a strip has rectangles, each as often as the group has segments. */
function coarse(looks: readonly Look[]): Look[] {
  const each = Math.ceil(looks.length / MOST_RUNS);
  const wide: Look[] = [];
  for (let at = 0; at < looks.length; at += each) {
    const group = looks.slice(at, at + each);
    const look = FIRST.find((one) => group.includes(one)) ?? mostOf(group);
    for (let index = 0; index < group.length; index += 1) wide.push(look);
  }
  return wide;
}

function mostOf(group: readonly Look[]): Look {
  const counts = new Map<Look, number>();
  for (const look of group) counts.set(look, (counts.get(look) ?? 0) + 1);
  return [...counts].reduce((most, one) => (one[1] > most[1] ? one : most))[0];
}

/** The strip in words. */
export function inWords(looks: readonly Look[]): string {
  const count = (look: Look) => looks.reduce((sum, one) => (one === look ? sum + 1 : sum), 0);
  const { strip } = words;
  if (looks.length === 0) return strip.none;
  const [reused, running, waiting, failed] = [count('reused'), count('running'), count('waiting'), count('failed')];
  const finished = count('finished') + reused;
  const parts = [finished === looks.length ? strip.all(looks.length) : strip.finished(finished, looks.length)];
  if (reused > 0) parts.push(strip.reused(reused));
  if (running > 0) parts.push(strip.running(running));
  if (failed > 0) parts.push(strip.failed(failed));
  if (waiting > 0) parts.push(strip.waiting(waiting));
  return parts.join(', ');
}
