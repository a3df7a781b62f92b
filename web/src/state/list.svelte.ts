// A part of the list of jobs, which is read page by page.
import { listJobs } from '../api/client';
import type { Job, JobPage } from '../api/types';
import { replaced, shown, withHead, withPage, without, kindOf, type Kind, type Shown } from '../lib/jobs';

/** Jobs that are read again at once at most, which is what the API gives. */
const LARGEST_PAGE = 500;

export class JobList {
  jobs = $state.raw<readonly Shown[]>([]);
  total = $state(0);
  hasMore = $state(false);
  isLoaded = $state(false);
  isLoading = $state(false);
  error = $state<Error | null>(null);
  kinds: readonly Kind[];
  search = '';
  readonly pageSize: number;
  /** Told of every page that came. */
  readonly onPage: (page: JobPage, isFirst: boolean) => void;
  /** What is known of a job elsewhere. */
  readonly known: (id: number) => Shown | undefined;
  #next: string | null = null;
  /** Pages that were read: the list is as long as they are. */
  #pages = 1;
  #asking: AbortController | null = null;
  #isStale = false;

  constructor(kinds: readonly Kind[], pageSize: number, onPage: (page: JobPage, isFirst: boolean) => void, known: (id: number) => Shown | undefined) {
    this.kinds = kinds;
    this.pageSize = pageSize;
    this.onPage = onPage;
    this.known = known;
  }

  takes(job: { status: string }): boolean {
    return this.kinds.includes(kindOf(job));
  }

  find(id: number): Shown | undefined {
    return this.jobs.find((job) => job.id === id);
  }

  /** Another choice of jobs: what was asked for before is of no use any more. */
  choose(kinds: readonly Kind[], search: string): Promise<void> {
    this.kinds = kinds;
    this.search = search;
    return this.#read(true);
  }

  /** Reads again what is loaded. While a page is under way, that is done after it. */
  async refresh(): Promise<void> {
    if (this.isLoading) {
      this.#isStale = true;
      return;
    }
    await this.#read(false);
  }

  /** Reads the next page. */
  async more(): Promise<void> {
    if (this.isLoading || this.#next === null) return;
    await this.#ask(this.pageSize, this.#next, (page, jobs) => {
      this.jobs = withPage(this.jobs, jobs);
      this.#next = page.next ?? null;
      this.#pages += 1;
    });
  }

  put(job: Shown): void {
    this.jobs = replaced(this.jobs, job);
  }

  drop(ids: ReadonlySet<number>): void {
    const before = this.jobs.length;
    this.jobs = without(this.jobs, ids);
    this.total = Math.max(0, this.total - (before - this.jobs.length));
  }

  async #read(isNew: boolean): Promise<void> {
    if (isNew) {
      this.#asking?.abort();
      this.#pages = 1;
    }
    const wanted = this.#pages * this.pageSize;
    await this.#ask(Math.min(LARGEST_PAGE, wanted), null, (page, jobs) => {
      // What is more than one answer has stays behind it.
      const tailOf = wanted > LARGEST_PAGE ? this.jobs : [];
      const { jobs: all, keepsTail } = withHead(tailOf, jobs, page.next !== null);
      this.jobs = all;
      if (!keepsTail) this.#next = page.next ?? null;
    });
  }

  async #ask(limit: number, after: string | null, take: (page: JobPage, jobs: Shown[]) => void): Promise<void> {
    const asking = new AbortController();
    this.#asking = asking;
    this.isLoading = true;
    this.#isStale = false;
    try {
      const query = { state: this.kinds.join(','), search: this.search, limit, ...(after === null ? {} : { after }) };
      const page = await listJobs(query, asking.signal);
      const seen = Date.now();
      take(page, page.jobs.map((job: Job) => shown(job, this.known(job.id), seen)));
      this.total = page.total;
      this.hasMore = this.#next !== null;
      this.isLoaded = true;
      this.error = null;
      this.onPage(page, after === null);
    } catch (error) {
      if (asking.signal.aborted) return;
      this.error = error as Error;
    } finally {
      if (this.#asking === asking) this.isLoading = false;
    }
    if (this.#isStale && this.#asking === asking) await this.refresh();
  }
}
