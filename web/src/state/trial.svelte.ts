// The new job that a person puts together: the video, a frame of it, and what is tried on that. It stays while other views are shown.
import { createJob, listEncoders, listModels, makeEstimate, makePreview, previewAddress, Refused, showVideo, type Source } from '../api/client';
import type { Details, Encoder, Estimate, Model, NewJob, Video } from '../api/types';
import { firstChoices, jobSettings, MOST_TILES, nextChoice, pictureSettings, requestKey, usualRest, type Choice, type Rest } from '../lib/trial';
import type { Size } from '../lib/view';
import { words } from '../words';
import { Picture } from './picture.svelte';

/** What was chosen last is tried when it has held still for so many milliseconds. */
const STILL = 600;
/** A server that is busy with others' previews is asked again so often, after so many milliseconds. */
const TRIES = 30;
const COME_AGAIN = 3000;

export class Tile implements Choice {
  model = $state('');
  strength = $state(1);
  picture = new Picture();
  /** The size of its picture, once it is there. */
  size = $state<Size | null>(null);
  isMaking = $state(false);
  isMeasuring = $state(false);
  estimate = $state.raw<Estimate | null>(null);
  /** Why there is no picture or no estimate. */
  why = $state<string | null>(null);
  readonly id: number;
  /** What the picture and the estimate were made of. */
  made = '';
  measured = '';

  constructor(id: number, { model, strength }: Choice) {
    this.id = id;
    this.model = model;
    this.strength = strength;
  }
}

/** An answer that a person has to decide about. */
export interface Conflict {
  text: string;
  code: string;
  job: number | null;
}

export class Trial {
  source = $state.raw<Source | null>(null);
  name = $state('');
  bytes = $state<number | null>(null);
  video = $state.raw<Video | null>(null);
  /** Why the video cannot be looked at. */
  why = $state<string | null>(null);
  at = $state(0);
  frame = new Picture();
  before = new Picture();
  isBeforeShown = $state(false);
  tiles = $state.raw<readonly Tile[]>([]);
  chosen = $state(0);
  rest = $state<Rest>(usualRest());
  models = $state.raw<readonly Model[] | null>(null);
  encoders = $state.raw<readonly Encoder[] | null>(null);
  modelsWhy = $state<string | null>(null);
  isStarting = $state(false);
  /** Why it did not start. */
  startWhy = $state<string | null>(null);
  conflict = $state.raw<Conflict | null>(null);
  #last = 0;
  #looking: AbortController | null = null;
  #trying: AbortController | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  /** The frame before it is that of this video and time. */
  #beforeOf = '';
  #key: { of: string; key: string } | null = null;

  get choice(): Tile | undefined {
    return this.tiles.find((tile) => tile.id === this.chosen) ?? this.tiles[0];
  }

  get isTrying(): boolean {
    return this.tiles.some((tile) => tile.isMaking || tile.isMeasuring);
  }

  /** Reads what can be chosen, where that is not known. */
  async open(): Promise<void> {
    if (this.models === null) {
      try {
        this.models = await listModels();
        this.modelsWhy = null;
        if (this.tiles.length === 0) {
          this.tiles = firstChoices(this.models).map((choice) => new Tile((this.#last += 1), choice));
          this.chosen = this.tiles[0]?.id ?? 0;
        }
      } catch (error) {
        this.modelsWhy = words.sentence((error as Error).message);
      }
    }
    this.encoders ??= await listEncoders().catch(() => null);
    this.#later();
  }

  /** Leaving the view ends what is made for it; what was made stays. */
  leave(): void {
    this.#stop();
    this.#looking?.abort();
  }

  async choose(source: Source, name: string, bytes: number | null): Promise<void> {
    this.forget();
    Object.assign(this, { source, name, bytes });
    const looking = new AbortController();
    this.#looking = looking;
    try {
      const video = await patient(() => showVideo(source, looking.signal), looking.signal);
      if (looking.signal.aborted) return;
      this.video = video;
      // Titles and black come first.
      this.at = (video.seconds ?? 0) / 3;
      this.#later();
    } catch (error) {
      if (!looking.signal.aborted) this.why = (error as Error).message;
    }
  }

  /** Lets the video go, and keeps what was chosen for it. */
  forget(): void {
    this.leave();
    this.frame.close();
    this.before.close();
    for (const tile of this.tiles) clear(tile);
    Object.assign(this, { source: null, name: '', bytes: null, video: null, why: null, startWhy: null, conflict: null, isBeforeShown: false });
    this.#beforeOf = '';
  }

  add(): void {
    if (this.tiles.length >= MOST_TILES) return;
    this.tiles = [...this.tiles, new Tile((this.#last += 1), nextChoice(this.tiles, this.models ?? []))];
    this.#later();
  }

  remove(tile: Tile): void {
    clear(tile);
    this.tiles = this.tiles.filter((one) => one !== tile);
    if (this.chosen === tile.id) this.chosen = this.tiles[0]?.id ?? 0;
  }

  /** Something was chosen: it is tried when nothing else is chosen for a moment. */
  changed(): void {
    Object.assign(this, { startWhy: null, conflict: null });
    this.#stop();
    this.#later();
  }

  /** What failed is tried again. */
  again(tile: Tile): void {
    Object.assign(tile, { made: '', measured: '', why: null });
    this.changed();
  }

  /** Gives the job, and whether it is new; null where a person has to decide something first. */
  async start(otherJobs: NewJob['other_jobs'] = 'refuse'): Promise<{ job: Details; isNew: boolean } | null> {
    const { source, choice } = this;
    if (source === null || choice === undefined) return null;
    this.leave();
    const body: NewJob = { ...source, settings: jobSettings(choice, this.rest), other_jobs: otherJobs };
    const of = JSON.stringify(body);
    // A request that is sent again after no answer makes no second job.
    if (this.#key?.of !== of) this.#key = { of, key: requestKey() };
    Object.assign(this, { isStarting: true, startWhy: null, conflict: null });
    try {
      const made = await createJob(body, this.#key.key);
      this.#key = null;
      return made;
    } catch (error) {
      const text = words.sentence((error as Error).message);
      if (error instanceof Refused && (error.code === 'other_job' || error.code === 'has_work')) {
        this.conflict = { text, code: error.code, job: error.job };
      } else this.startWhy = text;
      return null;
    } finally {
      this.isStarting = false;
    }
  }

  #stop(): void {
    clearTimeout(this.#timer);
    this.#trying?.abort();
    this.#trying = null;
    for (const tile of this.tiles) Object.assign(tile, { isMaking: false, isMeasuring: false });
  }

  #later(): void {
    clearTimeout(this.#timer);
    if (this.source === null || this.video === null || this.tiles.length === 0) return;
    this.#timer = setTimeout(() => void this.#try(), STILL);
  }

  /** Makes the pictures, one after the other, then measures. */
  async #try(): Promise<void> {
    const { source } = this;
    if (source === null) return;
    this.#trying?.abort();
    const trying = new AbortController();
    this.#trying = trying;
    const { signal } = trying;
    const moment = JSON.stringify([source, this.at]);
    for (const tile of this.tiles) {
      const settings = pictureSettings(tile, this.rest);
      const of = JSON.stringify([moment, settings]);
      if (tile.made === of) continue;
      Object.assign(tile, { isMaking: true, why: null });
      try {
        const isBefore = this.#beforeOf !== moment;
        const body = { ...source, at: this.at, choices: [settings], before: isBefore };
        const preview = await patient(() => makePreview(body, signal), signal);
        const [made] = preview.choices;
        if (isBefore && preview.before) {
          await this.before.show(previewAddress(preview.before.href));
          this.#beforeOf = moment;
        }
        if (made?.picture) {
          tile.size = { width: made.picture.width, height: made.picture.height };
          await tile.picture.show(previewAddress(made.picture.href));
          tile.why = tile.picture.why;
        } else tile.why = words.sentence(made?.fault ?? words.newJob.noPicture);
        if (signal.aborted) return;
        tile.made = of;
      } catch (error) {
        if (signal.aborted) return;
        tile.why = words.sentence((error as Error).message);
      } finally {
        if (!signal.aborted) tile.isMaking = false;
      }
    }
    for (const tile of this.tiles) {
      const settings = jobSettings(tile, this.rest);
      const of = JSON.stringify([source, settings]);
      if (tile.measured === of || tile.why !== null) continue;
      Object.assign(tile, { isMeasuring: true, estimate: null });
      try {
        tile.estimate = await patient(() => makeEstimate({ ...source, settings }, signal), signal);
        tile.measured = of;
      } catch (error) {
        if (signal.aborted) return;
        tile.why = words.sentence((error as Error).message);
      } finally {
        if (!signal.aborted) tile.isMeasuring = false;
      }
    }
  }
}

function clear(tile: Tile): void {
  tile.picture.close();
  Object.assign(tile, { size: null, isMaking: false, isMeasuring: false, estimate: null, why: null, made: '', measured: '' });
}

/** Asks again while the server is busy with others. */
async function patient<T>(ask: () => Promise<T>, signal: AbortSignal): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof Refused) || error.code !== 'busy' || attempt >= TRIES || signal.aborted) throw error;
      await new Promise((resolve) => setTimeout(resolve, COME_AGAIN));
      signal.throwIfAborted();
    }
  }
}
