// All that the page knows of the jobs, kept true by events.
import { Refused, act, actOnAll, listJobs, setPosition, setPriority, showJob } from '../api/client';
import type { Action, Counts, JobChanged, JobPage, Outcome, Position, Priority, Progress, WaitingFile } from '../api/types';
import { isBlocked, kindOf, shown, withProgress, type Kind, type Shown } from '../lib/jobs';
import { words } from '../words';
import { JobList } from './list.svelte';
import { Line, type Listener } from './line.svelte';
import { Notes } from './notes.svelte';

/** Changes that come together are looked at together, after so many milliseconds. */
const TOGETHER = 200;
/** So many changed jobs are read one by one; more by reading the lists again. */
const ONE_BY_ONE = 12;

export const ENDED: readonly Kind[] = ['done', 'failed', 'canceled'];

export class Queue implements Listener {
  counts = $state.raw<Counts | null>(null);
  files = $state.raw<readonly WaitingFile[]>([]);
  /** Jobs with a request of this page under way. */
  busy = $state.raw<ReadonlySet<number>>(new Set());
  /** The job that a view shows, beside the lists. */
  watched = $state<number | null>(null);
  /** Counts up whenever the watched job may be another. */
  watchedChange = $state(0);
  isRestless = $state(false);
  readonly notes = new Notes();
  readonly line = new Line(this);
  readonly running = this.#list(['running'], 100);
  readonly waiting = this.#list(['waiting'], 100);
  readonly paused = this.#list(['paused'], 50);
  readonly failed = this.#list(['failed'], 20);
  /** The latest few, for the queue. */
  readonly latest = this.#list(['done', 'canceled'], 5);
  /** All of a choice, for the view of done jobs. It is read when that view opens. */
  readonly ended = this.#list(ENDED, 100);
  #changed = new Set<number>();
  #timer: ReturnType<typeof setTimeout> | undefined;

  #list(kinds: readonly Kind[], pageSize: number): JobList {
    return new JobList(kinds, pageSize, (page, isFirst) => this.#took(page, isFirst), (id) => this.find(id));
  }

  get #lists(): JobList[] {
    return [this.running, this.waiting, this.paused, this.failed, this.latest, this.ended];
  }

  find(id: number): Shown | undefined {
    for (const list of this.#lists) {
      const job = list.find(id);
      if (job) return job;
    }
    return undefined;
  }

  get isLoaded(): boolean {
    return this.#lists.every((list) => list === this.ended || list.isLoaded);
  }

  /** Jobs that wait for something which a person may have to bring, as far as they are loaded. */
  get blocked(): readonly Shown[] {
    return this.waiting.jobs.filter(isBlocked);
  }

  /** Reads everything again. Lists that were never wanted stay unread. */
  async reload(): Promise<void> {
    this.watchedChange += 1;
    await Promise.all(this.#lists.filter((list) => list !== this.ended || list.isLoaded || list.error !== null).map((list) => list.refresh()));
  }

  async connected(): Promise<number | null> {
    // The number is asked for before the lists are read, so that no change between them is missed.
    const last = await listJobs({ state: 'running', limit: 1 }).then(
      (page) => page.last_event,
      (error: unknown) => {
        // The server answers, and the lists say why they are not there.
        if (error instanceof Refused && !error.needsSignIn) return null;
        throw error;
      },
    );
    await this.reload();
    return last;
  }

  job(changed: JobChanged): void {
    if (changed.what === 'forgotten') {
      this.#drop([changed.job]);
      this.#soon();
      return;
    }
    this.#changed.add(changed.job);
    this.#soon();
  }

  progress(progress: Progress): void {
    const before = this.running.find(progress.id);
    if (before === undefined) {
      this.#changed.add(progress.id);
      this.#soon();
      return;
    }
    this.running.put(withProgress(before, progress, Date.now()));
  }

  missed(): void {
    void this.reload();
  }

  looked(): void {
    // No event tells of files that come and go, nor of jobs that got another place.
    void this.waiting.refresh();
  }

  #took(page: JobPage, isFirst: boolean): void {
    this.counts = page.counts;
    if (isFirst) this.files = page.files;
  }

  #soon(): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.#look();
    }, TOGETHER);
  }

  /** Looks at the jobs that changed. */
  async #look(): Promise<void> {
    const ids = [...this.#changed];
    this.#changed.clear();
    if (this.watched !== null && ids.includes(this.watched)) this.watchedChange += 1;
    if (ids.length > ONE_BY_ONE) {
      await this.reload();
      return;
    }
    const stale = new Set<JobList>();
    if (ids.length === 0) stale.add(this.running);
    await Promise.all(ids.map((id) => this.#lookAt(id, stale)));
    await Promise.all([...stale].map((list) => list.refresh()));
  }

  async #lookAt(id: number, stale: Set<JobList>): Promise<void> {
    const before = this.find(id);
    try {
      const job = shown(await showJob(id), before, Date.now());
      if (before !== undefined && before.status !== job.status) this.#announce(job);
      for (const list of this.#lists) {
        const isThere = list.find(id) !== undefined;
        if (list.takes(job) && isThere) {
          list.put(job);
          // Another priority is another place.
          if (before?.priority !== job.priority) stale.add(list);
        } else if (list.takes(job)) {
          if (list.isLoaded) stale.add(list);
        } else if (isThere) {
          list.drop(new Set([id]));
          stale.add(list);
        }
      }
    } catch (error) {
      if (error instanceof Refused && error.status === 404) {
        this.#drop([id]);
        stale.add(this.running);
      } else {
        // It is looked at with the next change.
        this.#changed.add(id);
      }
    }
  }

  #drop(ids: readonly number[]): void {
    const gone = new Set(ids);
    for (const list of this.#lists) list.drop(gone);
    if (this.watched !== null && gone.has(this.watched)) this.watchedChange += 1;
  }

  #announce(job: Shown): void {
    const { announce } = words;
    const kind = kindOf(job);
    if (job.status === 'waiting for space') this.notes.say(announce.space(job.name));
    else if (job.status === 'waiting for folder') this.notes.say(announce.folder(job.name));
    else if (kind !== 'waiting') this.notes.say(announce[kind](job.name));
  }

  // What people do. Each gives true where all of it was done.

  async act(action: Action, jobs: readonly Shown[]): Promise<boolean> {
    const ids = jobs.map((job) => job.id);
    return this.#asked(ids, async () => {
      const outcomes = await act(action, ids);
      const changed = outcomes.filter((outcome) => outcome.changed);
      if (action === 'remove') this.#drop(changed.map((outcome) => outcome.id));
      this.#tell(action, jobs, outcomes);
      return changed.length === outcomes.length;
    });
  }

  async actOnAll(action: Action): Promise<boolean> {
    this.isRestless = true;
    try {
      return await this.#asked([], async () => {
        await actOnAll(action);
        return true;
      });
    } finally {
      this.isRestless = false;
    }
  }

  async setPriority(job: Shown, priority: Priority): Promise<boolean> {
    return this.#asked([job.id], async () => {
      const outcomes = await setPriority(job.id, priority);
      this.#refused([job], outcomes);
      return outcomes.every((outcome) => outcome.changed);
    });
  }

  async setPosition(job: Shown, to: Position): Promise<boolean> {
    return this.#asked([job.id], async () => {
      await setPosition(job.id, to);
      return true;
    });
  }

  async #asked(ids: readonly number[], what: () => Promise<boolean>): Promise<boolean> {
    this.busy = new Set([...this.busy, ...ids]);
    try {
      const isDone = await what();
      if (this.watched !== null && (ids.length === 0 || ids.includes(this.watched))) this.watchedChange += 1;
      await this.reload();
      return isDone;
    } catch (error) {
      this.notes.add({ kind: 'bad', text: words.sentence((error as Error).message) });
      return false;
    } finally {
      this.busy = new Set([...this.busy].filter((id) => !ids.includes(id)));
    }
  }

  /** Says what became of it, where it does not show by itself. */
  #tell(action: Action, jobs: readonly Shown[], outcomes: readonly Outcome[]): void {
    this.#refused(jobs, outcomes);
    const done = outcomes.filter((outcome) => outcome.changed);
    const [first] = done;
    if (first === undefined) return;
    const job = jobs.find((one) => one.id === first.id);
    const name = job?.name ?? '';
    const other = first.other_job === null || first.other_job === undefined ? '' : ` ${words.did.otherJob(first.other_job)}`;
    if (action === 'pause') this.notes.say(words.did.paused(name));
    if (action === 'resume') this.notes.say(words.did.retried(name));
    if (action === 'remove') this.notes.add({ kind: 'info', text: words.did.removed(done.length, name) });
    if (action === 'cancel' && job !== undefined) {
      const undo = () => void this.act('retry', [job]);
      this.notes.add({ kind: 'info', text: words.did.canceled(name), undo });
    }
    if (action === 'retry') this.notes.add({ kind: 'info', text: words.did.retried(name) + other });
    if (action === 'make_again') this.notes.add({ kind: 'info', text: words.did.again(name) + other });
  }

  #refused(jobs: readonly Shown[], outcomes: readonly Outcome[]): void {
    const refused = outcomes.filter((outcome) => !outcome.changed);
    const [first] = refused;
    if (first === undefined) return;
    const name = jobs.find((one) => one.id === first.id)?.name ?? '';
    const text =
      refused.length === 1 ? words.did.notDone(name, first.detail) : words.did.notDoneAll(refused.length, first.detail);
    this.notes.add({ kind: 'warn', text });
  }
}

/** True where the unfinished work of a job would be lost. */
export function losesWork(job: Shown): boolean {
  return job.status !== 'done' && job.status !== 'canceled' && job.frames_done > 0;
}
