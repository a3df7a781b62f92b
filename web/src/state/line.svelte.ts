// The line to the server: events as they happen, whether it answers, and since when it does not.
import { eventsAddress, showSystem } from '../api/client';
import type { JobChanged, Progress, System } from '../api/types';

/** Seconds before the server is tried again, time after time. */
const PAUSES = [2, 4, 8, 15];
/** So often the server is asked for what no event tells, in milliseconds. */
const LOOK_EVERY = 30_000;

export interface Listener {
  /** The line is there, for the first time or again: all may be another. */
  connected(): Promise<number | null>;
  job(changed: JobChanged): void;
  progress(progress: Progress): void;
  missed(): void;
  looked(): void;
}

export class Line {
  system = $state.raw<System | null>(null);
  /** Since when the server does not answer. */
  offlineSince = $state<number | null>(null);
  /** When it is tried again. */
  retryAt = $state<number | null>(null);
  /** Another version than the one that this page was loaded from answers. */
  isOutdated = $state(false);
  readonly #listener: Listener;
  #source: EventSource | null = null;
  #after: number | null = null;
  #heard = Date.now();
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isTrying = false;

  constructor(listener: Listener) {
    this.#listener = listener;
  }

  start(): () => void {
    void this.connect();
    const look = setInterval(() => void this.#look(), LOOK_EVERY);
    const online = () => void this.connect();
    window.addEventListener('online', online);
    return () => {
      clearInterval(look);
      clearTimeout(this.#timer);
      window.removeEventListener('online', online);
      this.#source?.close();
    };
  }

  /** Tries to reach the server now. */
  async connect(): Promise<void> {
    if (this.#isTrying) return;
    this.#isTrying = true;
    this.retryAt = null;
    clearTimeout(this.#timer);
    try {
      await this.#ask();
      const after = await this.#listener.connected();
      this.#open(after ?? this.#after);
      this.offlineSince = null;
    } catch {
      this.#lost();
    } finally {
      this.#isTrying = false;
    }
  }

  async #ask(): Promise<void> {
    const system = await showSystem();
    this.#heard = Date.now();
    if (this.system !== null && this.system.version !== system.version) this.isOutdated = true;
    this.system = system;
  }

  #open(after: number | null): void {
    this.#source?.close();
    const source = new EventSource(eventsAddress(after));
    this.#source = source;
    const on = <T>(name: string, take: (data: T) => void) =>
      source.addEventListener(name, (event: MessageEvent<string>) => {
        this.#heard = Date.now();
        this.#failures = 0;
        if (event.lastEventId !== '') this.#after = Number(event.lastEventId);
        take(JSON.parse(event.data) as T);
      });
    on<JobChanged>('job', (changed) => this.#listener.job(changed));
    on<Progress>('progress', (progress) => this.#listener.progress(progress));
    on('missed', () => this.#listener.missed());
    source.onopen = () => {
      this.#heard = Date.now();
    };
    // The browser would come again by itself, but not after an answer that is none, and without saying when.
    source.onerror = () => {
      source.close();
      if (this.#source === source) this.#lost();
    };
  }

  /** The line broke. Once the server is asked at once, since it may only have ended the connection. */
  #lost(): void {
    this.#source?.close();
    this.#source = null;
    clearTimeout(this.#timer);
    this.#failures += 1;
    if (this.#failures === 1 && this.offlineSince === null) {
      this.#timer = setTimeout(() => void this.connect(), 500);
      return;
    }
    const pause = PAUSES[Math.min(this.#failures - 1, PAUSES.length - 1)] ?? 15;
    this.offlineSince ??= this.#heard;
    this.retryAt = Date.now() + pause * 1000;
    this.#timer = setTimeout(() => void this.connect(), pause * 1000);
  }

  async #look(): Promise<void> {
    if (document.visibilityState === 'hidden' || this.offlineSince !== null) return;
    try {
      await this.#ask();
      this.#listener.looked();
    } catch {
      if (this.offlineSince === null) {
        this.#failures = Math.max(1, this.#failures);
        this.#lost();
      }
    }
  }
}
