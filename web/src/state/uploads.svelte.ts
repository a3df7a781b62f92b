// The files that go from this browser to the server, one after the other.
import { Refused } from '../api/client';
import { Speed, afterFailure, isSame, pauseAfter, remembered, type Remembered } from '../lib/transfer';
import { words } from '../words';
import type { Notes } from './notes.svelte';
import { Unreadable, begin, giveUp, look, sendPiece } from './upload';

const STORED = 'upscaled.uploads';

/** `left` is an upload of an earlier visit, whose file is not at hand any more. */
export type UploadState = 'waiting' | 'sending' | 'broken' | 'paused' | 'left' | 'refused' | 'done';

export class Upload {
  state = $state<UploadState>('waiting');
  sent = $state(0);
  speed = $state<number | null>(null);
  /** Why it was refused, in the words of the server. */
  reason = $state('');
  /** Its name in the input folder. */
  result = $state('');
  file = $state.raw<File | null>(null);
  url: string | null = null;
  stop: AbortController | null = null;
  readonly id: number;
  readonly name: string;
  readonly size: number;
  readonly lastModified: number;
  /** It waits for settings when it is whole. */
  isHeld = false;

  constructor(id: number, of: { name: string; size: number; lastModified: number }) {
    this.id = id;
    this.name = of.name;
    this.size = of.size;
    this.lastModified = of.lastModified;
  }

  get isOver(): boolean {
    return this.state === 'done' || this.state === 'refused';
  }
}

export class Uploads {
  list = $state.raw<readonly Upload[]>([]);
  readonly #notes: Notes;
  #last = 0;
  #wake: (() => void) | null = null;

  constructor(notes: Notes) {
    this.#notes = notes;
  }

  /** Files that are sent, or wait for it. */
  get active(): readonly Upload[] {
    return this.list.filter(({ state }) => state === 'waiting' || state === 'sending' || state === 'broken');
  }

  /** Shows what an earlier visit left unfinished. */
  async start(): Promise<void> {
    for (const one of load()) {
      if (this.list.some((upload) => upload.url === one.url)) continue;
      try {
        const { offset, result } = await look(one.url, AbortSignal.timeout(15_000));
        if (result !== null || (one.isHeld && offset >= one.size)) forget(one.url);
        else if (!this.list.some((upload) => isSame(upload, one))) {
          const upload = this.#make(one);
          Object.assign(upload, { url: one.url, sent: offset, state: 'left', isHeld: one.isHeld ?? false });
        }
      } catch (error) {
        if (error instanceof Refused && afterFailure(error.status, error.code) === 'anew') forget(one.url);
      }
    }
  }

  /** Held ones wait for settings when they are whole. */
  add(files: readonly File[], isHeld = false): void {
    for (const file of files) {
      const known = this.list.find((upload) => isSame(upload, file) && upload.state !== 'done');
      if (known && known.state !== 'left' && known.state !== 'refused') {
        this.#notes.add({ kind: 'info', text: words.upload.twice(file.name) });
        continue;
      }
      const upload = known ?? this.#make(file);
      upload.file = file;
      // One that was begun stays what it was begun as.
      if (!known) upload.isHeld = isHeld;
      const before = load().find((one) => isSame(one, file));
      if (upload.url === null && before) [upload.url, upload.isHeld] = [before.url, before.isHeld ?? false];
      this.resume(upload);
    }
  }

  pause(upload: Upload): void {
    upload.state = 'paused';
    upload.stop?.abort();
  }

  resume(upload: Upload): void {
    upload.state = 'waiting';
    this.#next();
  }

  cancel(upload: Upload): void {
    this.remove(upload);
    upload.stop?.abort();
    if (upload.url === null) return;
    forget(upload.url);
    // Where this does not arrive, the server forgets the upload by itself.
    void giveUp(upload.url).catch(() => undefined);
  }

  remove(upload: Upload): void {
    this.list = this.list.filter((one) => one !== upload);
  }

  clear(): void {
    this.list = this.list.filter((upload) => !upload.isOver);
  }

  /** The server answers again: what waits for that goes on at once. */
  wake(): void {
    this.#wake?.();
  }

  #make(of: { name: string; size: number; lastModified: number }): Upload {
    const upload = new Upload((this.#last += 1), of);
    this.list = [...this.list, upload];
    return upload;
  }

  #next(): void {
    if (this.list.some((upload) => upload.stop !== null)) return;
    const upload = this.list.find(({ state }) => state === 'waiting');
    if (!upload?.file) return;
    upload.stop = new AbortController();
    upload.state = 'sending';
    void this.#send(upload, upload.file, upload.stop.signal).finally(() => {
      upload.stop = null;
      upload.speed = null;
      this.#next();
    });
  }

  /** Sends a file until it is there, or a person has to do something. */
  async #send(upload: Upload, file: File, signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      try {
        await this.#try(upload, file, signal, () => (failures = 0));
        return;
      } catch (error) {
        if (signal.aborted) return;
        const next = error instanceof Refused ? afterFailure(error.status, error.code) : error instanceof Unreadable ? 'refused' : 'again';
        if (next === 'refused') {
          this.#refused(upload, (error as Error).message);
          return;
        }
        if (next === 'anew' && upload.url !== null) {
          forget(upload.url);
          upload.url = null;
          upload.sent = 0;
        }
        failures += 1;
        upload.state = 'broken';
        upload.speed = null;
        await this.#pause(pauseAfter(failures), signal);
      }
    }
  }

  async #try(upload: Upload, file: File, signal: AbortSignal, moved: () => void): Promise<void> {
    const isNew = upload.url === null;
    const url = (upload.url ??= await begin(file, upload.isHeld, signal));
    if (isNew) remember({ url, name: upload.name, size: upload.size, lastModified: upload.lastModified, isHeld: upload.isHeld });
    let at = isNew ? { offset: 0, result: null } : await look(url, signal);
    const speed = new Speed();
    const progress = (sent: number) => {
      moved();
      upload.sent = Math.min(sent, upload.size);
      speed.add(Date.now(), sent);
      upload.speed = speed.value;
    };
    upload.sent = at.offset;
    speed.add(Date.now(), at.offset);
    upload.state = 'sending';
    const isThere = () => at.result !== null || (upload.isHeld && at.offset >= upload.size);
    while (!isThere()) {
      at = await sendPiece(url, file, at.offset, progress, signal);
      upload.sent = at.offset;
    }
    forget(url);
    upload.result = at.result ?? '';
    upload.state = 'done';
    this.#notes.say(words.upload.said(upload.name));
  }

  #refused(upload: Upload, reason: string): void {
    upload.state = 'refused';
    upload.reason = words.sentence(reason);
    this.#notes.say(words.upload.saidRefused(upload.name, reason));
  }

  #pause(milliseconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((over) => {
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        this.#wake = null;
        over();
      };
      const timer = setTimeout(end, milliseconds);
      signal.addEventListener('abort', end);
      this.#wake = end;
    });
  }
}

function load(): Remembered[] {
  try {
    return remembered(localStorage.getItem(STORED));
  } catch {
    return [];
  }
}

function store(all: readonly Remembered[]): void {
  try {
    localStorage.setItem(STORED, JSON.stringify(all));
  } catch {
    // Without storage an upload goes on as long as the page is there.
  }
}

const remember = (one: Remembered) => store([...load().filter((other) => !isSame(one, other)), one]);
const forget = (url: string) => store(load().filter((one) => one.url !== url));
