// Keeps a video in step with another one: it plays, pauses, jumps and changes its speed with that.
import { whyNoSource } from '../api/client';
import { correction } from '../lib/beside';
import { words } from '../words';

/** Milliseconds between two looks. */
const STEP = 50;
/** A jump takes its time: while the film is played, the next one comes no earlier, in milliseconds. */
const SETTLE = 600;
const CHANGES = ['play', 'playing', 'pause', 'seeking', 'seeked', 'ratechange', 'waiting', 'ended'] as const;

export class Beside {
  /** Why it does not play. */
  why = $state<string | null>(null);
  readonly #job: number;
  readonly #lead: HTMLVideoElement;
  readonly #video: HTMLVideoElement;
  readonly #offset: number;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #closing = new AbortController();
  #jumped = 0;

  /** `video` shows `offset` seconds more than `lead` does. */
  constructor(job: number, lead: HTMLVideoElement, video: HTMLVideoElement, offset: number) {
    this.#job = job;
    this.#lead = lead;
    this.#video = video;
    this.#offset = offset;
    const { signal } = this.#closing;
    for (const name of CHANGES) lead.addEventListener(name, () => this.#step(), { signal });
    video.addEventListener('error', () => void this.#failed(), { signal });
    video.addEventListener('loadeddata', () => this.#loaded(), { signal });
    this.#timer = setInterval(() => this.#step(), STEP);
  }

  close(): void {
    clearInterval(this.#timer);
    this.#closing.abort();
    this.#video.pause();
    this.#video.removeAttribute('src');
    this.#video.load();
  }

  /** Browsers play the sound of what they have no decoder for. */
  #loaded(): void {
    if (this.#video.videoWidth === 0) this.why = words.play.sourceNotPlayable;
    this.#step();
  }

  async #failed(): Promise<void> {
    const why = await whyNoSource(this.#job).catch(() => words.problem.noAnswer);
    if (!this.#closing.signal.aborted) this.why = why === null ? words.play.sourceNotPlayable : words.play.noSource(why);
  }

  #step(): void {
    const [lead, video] = [this.#lead, this.#video];
    if (this.why !== null || video.readyState < HTMLMediaElement.HAVE_METADATA || video.seeking) return;
    const isPlaying = !lead.paused && !lead.ended && !lead.seeking && lead.readyState >= HTMLMediaElement.HAVE_FUTURE_DATA;
    if (isPlaying && video.paused) video.play().catch(() => undefined);
    if (!isPlaying && !video.paused) video.pause();
    const end = Number.isFinite(video.duration) ? video.duration : Infinity;
    const { seek, rate } = correction(video.currentTime, Math.min(lead.currentTime + this.#offset, end), lead.playbackRate, isPlaying);
    if (video.playbackRate !== rate) video.playbackRate = rate;
    if (seek === null || (isPlaying && performance.now() - this.#jumped < SETTLE)) return;
    this.#jumped = performance.now();
    video.currentTime = seek;
  }
}
