// The line to the server: events as they happen, whether it answers, and since when it does not.
import { Refused, eventsAddress, showSystem } from '../api/client';
import type { JobChanged, Progress, System } from '../api/types';

/** Milliseconds before the server is tried again, time after time. */
const PAUSES = [500, 2000, 4000, 8000, 15_000];
/** A line that was there for so many milliseconds was no failure. */
const LONG_ENOUGH = 10_000;
/** So often the server is asked for what no event tells, in milliseconds. */
const LOOK_EVERY = 30_000;
/** A page that nobody saw for so many milliseconds gives its connection back: browsers have six for all pages of a server. */
const REST_AFTER = 10_000;

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
  /** The server answers all, and events come. */
  isThere = $state(false);
  /** When it is tried again. */
  retryAt = $state<number | null>(null);
  /** Another version than the one that this page was loaded from answers. */
  isOutdated = $state(false);
  readonly #listener: Listener;
  #source: EventSource | null = null;
  #after: number | null = null;
  #heard = Date.now();
  /** Times in a row that the line was not there, or not for long. */
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #isTrying = false;
  /** Nobody sees the page: it asks now and then, and gets no events. */
  #isResting = false;
  #rest: ReturnType<typeof setTimeout> | undefined;

  constructor(listener: Listener) {
    this.#listener = listener;
  }

  start(): () => void {
    void this.connect();
    const look = setInterval(() => void this.#look(), LOOK_EVERY);
    const online = () => void this.connect();
    window.addEventListener('online', online);
    const seen = () => this.#seen(document.visibilityState === 'visible');
    document.addEventListener('visibilitychange', seen);
    // One that was opened behind others.
    if (document.visibilityState === 'hidden') seen();
    return () => {
      clearInterval(look);
      clearTimeout(this.#timer);
      clearTimeout(this.#rest);
      window.removeEventListener('online', online);
      document.removeEventListener('visibilitychange', seen);
      this.#source?.close();
    };
  }

  /** A page that is seen has the events as they come; one that is not has its own figures every half a minute. */
  #seen(isVisible: boolean): void {
    clearTimeout(this.#rest);
    if (isVisible) {
      const wasResting = this.#isResting;
      this.#isResting = false;
      if (wasResting) void this.connect();
      return;
    }
    this.#rest = setTimeout(() => {
      this.#isResting = true;
      this.#source?.close();
      this.#source = null;
    }, REST_AFTER);
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
      if (!this.#isResting) this.#open(after ?? this.#after);
      this.offlineSince = null;
      this.isThere = true;
    } catch (error) {
      this.#failed(error);
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
        if (event.lastEventId !== '') this.#after = Number(event.lastEventId);
        take(JSON.parse(event.data) as T);
      });
    on<JobChanged>('job', (changed) => this.#listener.job(changed));
    on<Progress>('progress', (progress) => this.#listener.progress(progress));
    on('missed', () => this.#listener.missed());
    const began = Date.now();
    source.onopen = () => {
      this.#heard = Date.now();
    };
    // The browser would come again by itself, but not after an answer that is none, and without saying when.
    source.onerror = () => {
      source.close();
      if (this.#source !== source) return;
      this.#source = null;
      if (Date.now() - began > LONG_ENOUGH) this.#failures = 0;
      this.#again();
    };
  }

  /** Comes again after a pause, which grows: at first at once, since the server may only have ended the connection. */
  #again(): number {
    this.#failures += 1;
    const pause = PAUSES[Math.min(this.#failures, PAUSES.length) - 1] ?? 0;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.connect(), pause);
    return pause;
  }

  #failed(error: unknown): void {
    if (error instanceof Refused && error.needsSignIn) {
      this.pause();
      // Until the page knows that it has to sign in, and pauses the line.
      this.#again();
    } else this.#noAnswer();
  }

  /** Asks for nothing more until it is told to connect: the server answers, but nothing before signing in. */
  pause(): void {
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
    this.offlineSince = null;
    this.retryAt = null;
    this.isThere = false;
  }

  #noAnswer(): void {
    this.#source?.close();
    this.#source = null;
    this.isThere = false;
    this.offlineSince ??= this.#heard;
    this.retryAt = Date.now() + this.#again();
  }

  /** Asks for what no event tells, now. */
  async refresh(): Promise<void> {
    try {
      await this.#ask();
    } catch (error) {
      if (this.offlineSince === null) this.#failed(error);
    }
  }

  async #look(): Promise<void> {
    if (this.#isResting) {
      if (this.isThere) void this.connect();
      return;
    }
    if (this.#source === null) return;
    try {
      await this.#ask();
      this.#listener.looked();
    } catch (error) {
      if (this.offlineSince === null) this.#failed(error);
    }
  }
}
