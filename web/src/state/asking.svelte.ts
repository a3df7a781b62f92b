// Questions before work is thrown away: only there.
import { words } from '../words';
import { size } from '../lib/numbers';
import type { Shown } from '../lib/jobs';
import { losesWork, type Queue } from './queue.svelte';

export interface Question {
  title: string;
  text: string;
  danger: string;
  safe: string;
  /** What throws away. */
  go: () => void;
  /** What the safe button does, beside closing. */
  instead?: () => void;
}

export class Asking {
  question = $state.raw<Question | null>(null);
  readonly #queue: Queue;

  constructor(queue: Queue) {
    this.#queue = queue;
  }

  close(): void {
    this.question = null;
  }

  cancel(job: Shown): void {
    const go = () => void this.#queue.act('cancel', [job]);
    if (!losesWork(job)) {
      go();
      return;
    }
    const { ask } = words;
    const canPause = job.status !== 'paused' && job.status !== 'failed';
    const lost = ask.lost(job.frames_done, job.segments_done, job.bytes > 0 ? size(job.bytes) : null);
    this.question = {
      title: ask.cancel(job.name),
      text: canPause ? lost + ask.pauseHint : lost,
      danger: ask.throwAway,
      safe: canPause ? ask.pauseInstead : ask.keep,
      go,
      ...(canPause ? { instead: () => void this.#queue.act('pause', [job]) } : {}),
    };
  }

  again(job: Shown): void {
    const { ask } = words;
    const lost = losesWork(job)
      ? ` ${ask.lost(job.frames_done, job.segments_done, job.bytes > 0 ? size(job.bytes) : null)}`
      : '';
    this.question = {
      title: ask.again(job.name),
      text: ask.againWhy + lost,
      danger: ask.againGo,
      safe: ask.keep,
      go: () => void this.#queue.act('make_again', [job]),
    };
  }
}
