// The job that is looked at: all about it, its segments, and its report.
import { NoAnswer, Refused, showJob, showReport } from '../api/client';
import type { Details, Report } from '../api/types';
import { shown, type Shown } from '../lib/jobs';
import { SegmentsOf } from './segments.svelte';

export class Watched {
  readonly id: number;
  job = $state.raw<(Details & Shown) | null>(null);
  report = $state.raw<Report | null>(null);
  reportError = $state<Error | null>(null);
  error = $state<Error | null>(null);
  isMissing = $state(false);
  readonly segments = new SegmentsOf();
  #isAsking = false;
  #isStale = false;

  constructor(id: number) {
    this.id = id;
  }

  async read(): Promise<void> {
    if (this.#isAsking) {
      this.#isStale = true;
      return;
    }
    this.#isAsking = true;
    try {
      do {
        this.#isStale = false;
        await this.#ask();
      } while (this.#isStale);
    } finally {
      this.#isAsking = false;
    }
  }

  async #ask(): Promise<void> {
    try {
      const details = await showJob(this.id);
      const before = this.job;
      this.job = { ...details, ...shown(details, before ?? undefined, Date.now()) };
      this.error = null;
      this.isMissing = false;
      // After a retry or a loss of segments all of them are read again.
      const isFresh = before === null || before.status !== details.status || details.segments_done < before.segments_done;
      this.segments.want(this.id, details.segments, isFresh);
      if (details.status === 'done' && !details.result_gone && before?.status !== 'done') await this.readReport();
      if (details.status !== 'done') this.report = null;
    } catch (error) {
      if (error instanceof Refused && error.status === 404) this.isMissing = true;
      else this.error = error as Error;
    }
  }

  async readReport(): Promise<void> {
    try {
      this.report = await showReport(this.id);
      this.reportError = null;
    } catch (error) {
      if (!(error instanceof NoAnswer) && !(error instanceof Refused)) throw error;
      this.reportError = error;
    }
  }
}
