// The segments of a job, for its strip.
import { segmentsOf } from '../api/client';
import type { Segment } from '../api/types';

/** Segments of one answer at most. */
const PAGE = 5000;
/** Segments that are read again after some were finished: those under way lie close together. */
const WINDOW = 500;

export class SegmentsOf {
  list = $state.raw<readonly Segment[]>([]);
  #id: number | null = null;
  #isAsking = false;
  #wanted: (() => Promise<void>) | null = null;

  /** Reads what may have changed, given how far the job is. */
  want(id: number, total: number, isFresh: boolean): void {
    if (this.#id !== id) {
      this.#id = id;
      this.list = [];
    }
    if (total === 0) {
      this.list = [];
      return;
    }
    this.#wanted = () => (isFresh || this.list.length !== total ? this.#readAll(id) : this.#readWindow(id));
    void this.#work();
  }

  async #work(): Promise<void> {
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      while (this.#wanted) {
        const wanted = this.#wanted;
        this.#wanted = null;
        await wanted();
      }
    } catch {
      // The strip stays as it is; the next change reads it again.
    } finally {
      this.#isAsking = false;
    }
  }

  async #readAll(id: number): Promise<void> {
    const all: Segment[] = [];
    for (;;) {
      const page = await segmentsOf(id, all.length, PAGE);
      all.push(...page);
      if (page.length < PAGE) break;
    }
    if (this.#id === id) this.list = all;
  }

  async #readWindow(id: number): Promise<void> {
    const from = this.list.findIndex((segment) => segment.state !== 'finished');
    if (from < 0) return;
    const window = await segmentsOf(id, from, WINDOW);
    if (this.#id !== id) return;
    const list = [...this.list];
    list.splice(from, window.length, ...window);
    this.list = list;
  }
}
