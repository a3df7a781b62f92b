// Plays the finished part of a film while the rest is made: its segments come one after the other into a media source.
import { NoAnswer, partsOf, readPart, Refused } from '../api/client';
import { partAt, wanted, type Part } from '../lib/play';
import { words } from '../words';

/** Seconds that are read before they are shown. */
const AHEAD = 30;
/** Seconds that are kept after they were shown. */
const BEHIND = 30;
/** A busy server is asked again after so long, in milliseconds. */
const AGAIN = 2000;

export class Player {
  parts = $state.raw<readonly Part[]>([]);
  /** Why nothing plays. */
  why = $state<string | null>(null);
  /** What is shown next is not made yet. */
  isWaiting = $state(false);
  readonly #id: number;
  readonly #video: HTMLVideoElement;
  readonly #source = new MediaSource();
  readonly #closing = new AbortController();
  readonly #there = new Set<number>();
  #address = '';
  #buffer: SourceBuffer | null = null;
  #isFilling = false;
  #isListing = false;

  constructor(id: number, video: HTMLVideoElement) {
    this.#id = id;
    this.#video = video;
  }

  /** Reads what is finished, and shows its first picture. */
  async open(): Promise<void> {
    const type = await this.#list(0);
    if (this.#closing.signal.aborted) return;
    const first = this.parts[0];
    if (type === null || first === undefined) {
      this.why ??= words.play.nothing;
      return;
    }
    if (!MediaSource.isTypeSupported(type)) {
      this.why = words.play.notPlayable;
      return;
    }
    this.#address = URL.createObjectURL(this.#source);
    this.#video.src = this.#address;
    const opened = () => {
      // A video that is given another source at once never opens this one.
      if (this.#source.readyState !== 'open' || this.#buffer) return;
      this.#buffer = this.#source.addSourceBuffer(type);
      this.#length();
      this.#video.currentTime = first.start;
      void this.fill();
    };
    this.#source.addEventListener('sourceopen', opened, { once: true });
  }

  /** Takes notice of segments that were finished since. */
  async more(): Promise<void> {
    if (!this.#buffer || this.#isListing) return;
    this.#isListing = true;
    try {
      // Segments need not be finished in their order: holes before the last one may be filled.
      await this.#list(0);
    } finally {
      this.#isListing = false;
    }
    this.#length();
    await this.fill();
  }

  /** Reads what is shown next. To be called when the place in the film changes. */
  async fill(): Promise<void> {
    const buffer = this.#buffer;
    if (!buffer || this.#isFilling) return;
    this.#isFilling = true;
    try {
      for (;;) {
        const time = this.#video.currentTime;
        this.isWaiting = partAt(this.parts, time) === null;
        await this.#forget(buffer, time);
        const next = wanted(this.parts, time, AHEAD, (segment) => this.#there.has(segment));
        if (!next || this.#closing.signal.aborted) break;
        const bytes = await this.#read(next.segment);
        if (bytes === null) break;
        await this.#change(buffer, () => buffer.appendBuffer(bytes));
        this.#there.add(next.segment);
        this.why = null;
      }
    } catch (error) {
      if (!this.#closing.signal.aborted) this.why = error instanceof Error ? words.sentence(error.message) : String(error);
    } finally {
      this.#isFilling = false;
    }
  }

  close(): void {
    this.#closing.abort();
    this.#video.removeAttribute('src');
    this.#video.load();
    if (this.#address !== '') URL.revokeObjectURL(this.#address);
  }

  /** Reads what can be played from a segment on; gives its media type. */
  async #list(from: number): Promise<string | null> {
    try {
      const found = await partsOf(this.#id, from, this.#closing.signal);
      this.parts = found.parts;
      this.why = null;
      return found.media_type ?? null;
    } catch (error) {
      if (error instanceof Refused || error instanceof NoAnswer) this.why = words.sentence(error.message);
      else if (!this.#closing.signal.aborted) throw error;
      return null;
    }
  }

  /** A part; null where it is gone by now. */
  async #read(segment: number): Promise<ArrayBuffer | null> {
    for (;;) {
      try {
        return await readPart(this.#id, segment, this.#closing.signal);
      } catch (error) {
        if (!(error instanceof Refused) || this.#closing.signal.aborted) throw error;
        if (error.status === 404) return null;
        if (error.status !== 503) throw error;
        await new Promise((resolve) => setTimeout(resolve, AGAIN));
      }
    }
  }

  /** The bar of the player ends where the last finished part does. */
  #length(): void {
    const end = this.parts.at(-1)?.end;
    const buffer = this.#buffer;
    if (end === undefined || !buffer || buffer.updating || this.#source.readyState !== 'open') return;
    if (!(this.#source.duration >= end)) this.#source.duration = end;
  }

  /** Lets go of what was shown: browsers keep only so much. */
  async #forget(buffer: SourceBuffer, time: number): Promise<void> {
    const old = this.parts.filter((part) => this.#there.has(part.segment) && (part.end < time - BEHIND || part.start > time + 2 * AHEAD));
    for (const part of old) {
      await this.#change(buffer, () => buffer.remove(part.start, part.end));
      this.#there.delete(part.segment);
    }
  }

  /** Changes the buffer and waits until it is done. */
  async #change(buffer: SourceBuffer, change: () => void): Promise<void> {
    const done = new Promise<void>((resolve, reject) => {
      buffer.addEventListener('updateend', () => resolve(), { once: true });
      buffer.addEventListener('error', () => reject(new Error(words.play.broken)), { once: true });
    });
    change();
    await done;
    this.#length();
  }
}
