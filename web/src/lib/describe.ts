// What happens to a job, in words and as an icon.
import type { Job } from '../api/types';
import { words } from '../words';
import type { IconName } from '../parts/icons';
import type { Shown } from './jobs';
import { doneAt, exact, rough } from './times';

export interface StateWords {
  className: string;
  icon: IconName;
  text: string;
}

/** The state of a job: an icon and a word, never colour alone. */
export function stateOf(job: Job): StateWords {
  const { states, doing } = words;
  switch (job.status) {
    case 'running':
      if (job.doing === 'interrupted') return { className: 'stalled', icon: 'warn', text: doing.interrupted };
      return { className: 'running', icon: 'play', text: states.running };
    case 'paused':
      return { className: 'paused', icon: 'pause', text: job.doing === 'pausing' ? doing.pausing : states.paused };
    case 'waiting for space':
      return { className: 'space', icon: 'disk', text: states.space };
    case 'waiting for folder':
      return { className: 'space', icon: 'folder', text: states.folder };
    case 'failed':
      return { className: 'failed', icon: 'stop', text: states.failed };
    case 'done':
      if (job.result_gone) return { className: 'stalled', icon: 'warn', text: states.gone };
      return { className: 'done', icon: 'check', text: states.done };
    case 'canceled':
      return { className: 'canceled', icon: 'cross', text: states.canceled };
    default:
      return { className: '', icon: 'clock', text: states.waiting };
  }
}

/** The stage of a job that runs. `running` are the numbers of segments under way, where they are known. */
export function stageOf(job: Job, running: readonly number[] = []): string {
  const { doing } = words;
  switch (job.phase) {
    case 'index':
      return job.frames_read ? doing.readFrames(job.frames_read) : doing.reading;
    case 'segments': {
      const [first] = running;
      if (running.length === 1 && first !== undefined) return doing.segment(first + 1, job.segments);
      if (running.length > 1) return doing.segments(running.length, job.segments_done, job.segments);
      return doing.making(job.segments_done, job.segments);
    }
    case 'join':
      return doing.joining;
    case 'publish':
      return doing.publishing;
  }
}

export interface TimeLeft {
  left: string;
  /** When it will be done, where that is known. */
  done: string | null;
  isKnown: boolean;
}

/** How long a job takes still. */
export function timeLeft(job: Shown, now: number): TimeLeft {
  const { left } = words;
  const unknown = (why: string) => ({ left: why, done: null, isKnown: false });
  if (job.doing === 'interrupted') return unknown(left.unknown);
  if (typeof job.stalled_seconds === 'number') return unknown(left.stalled(exact(job.stalled_seconds)));
  if ((job.phase === 'join' || job.phase === 'publish') && !job.seconds_left) return unknown(left.lastSteps);
  if (job.seconds_left === null || job.seconds_left === undefined) {
    return unknown(job.segments_done === 0 ? left.afterFirst : left.unknown);
  }
  return { left: left.about(rough(job.seconds_left)), done: doneAt(job.seconds_left, job.seen, now), isKnown: true };
}

/** How long all jobs take that run or wait, where something is known of several. */
export function queueLeft(queue: { jobs: number; unknown: number; seconds_left?: number | null } | undefined): string | null {
  if (!queue || queue.jobs < 2 || typeof queue.seconds_left !== 'number') return null;
  return words.head.left(rough(queue.seconds_left), queue.jobs - queue.unknown, queue.jobs);
}

/** What is known of a job that waits: what is made of it, how long it takes, or how many frames it has. */
export function waitingFor(job: Shown): string {
  const needed = typeof job.seconds_needed === 'number' ? words.waiting.needed(rough(job.seconds_needed)) : '';
  if (job.frames_done > 0) return [words.paused.kept(job.frames_done, job.frames), needed].filter((part) => part).join(' ');
  return needed || (job.frames ? words.waiting.frames(job.frames) : '');
}

/** How long a job that has ended was worked on, in seconds: without the time that it waited or was paused. */
export function secondsTaken(job: Job): number | null {
  return job.ended ? (job.seconds_taken ?? null) : null;
}

/** The name of the model of a job, for people. */
export function modelOf(job: Job): string {
  return job.model === 'none' ? words.running.noNetwork : job.model;
}

export function sizes(job: Job): string {
  const { units } = words;
  return units.fromTo(units.size(job.source_size), units.size(job.result_size));
}
