// The keys of the page. What has a dialog, a menu or a field before it keeps its keys.
import type { Priority } from '../api/types';
import type { Shown } from '../lib/jobs';
import { between } from '../lib/jobs';
import type { Choices } from './choices.svelte';
import type { Queue } from './queue.svelte';
import type { Router } from './route.svelte';
import type { Selection } from './selection.svelte';

export interface Page {
  queue: Queue;
  router: Router;
  choices: Choices;
  selection: Selection;
  showKeys(): void;
}

const PRIORITIES: Record<string, Priority> = { '1': 'high', '2': 'normal', '3': 'low' };
/** The second letter must come within this time. */
const TOGETHER = 1500;

export function keys(page: Page): (event: KeyboardEvent) => void {
  let afterG = -Infinity;
  return (event) => {
    if (!page.choices.hasLetterKeys || event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const target = event.target as HTMLElement;
    if (target.closest('input:not([type="checkbox"]), select, textarea, dialog, [popover]')) return;
    const isSecond = event.timeStamp - afterG < TOGETHER;
    afterG = -Infinity;
    if (pressed(page, event, isSecond)) event.preventDefault();
    else if (event.key === 'g') afterG = event.timeStamp;
  };
}

/** True where the key meant something. */
function pressed(page: Page, event: KeyboardEvent, isSecond: boolean): boolean {
  if (isSecond && event.key === 'q') {
    page.router.go({ view: 'queue' });
    return true;
  }
  if (isSecond && event.key === 'n') {
    page.router.go({ view: 'new' });
    return true;
  }
  if (isSecond && event.key === 'd') {
    page.router.go({ view: 'done' });
    return true;
  }
  if (isSecond && event.key === 's') {
    page.router.go({ view: 'settings' });
    return true;
  }
  if (isSecond && event.key === 'l') {
    page.router.go({ view: 'log' });
    return true;
  }
  switch (event.key) {
    case '?':
      page.showKeys();
      return true;
    case '/':
      search(page.router);
      return true;
    case 'j':
      return step(1);
    case 'k':
      return step(-1);
    default:
      return page.queue.line.offlineSince === null && onJob(page, event);
  }
}

function search(router: Router): void {
  const focus = () => document.getElementById('search')?.focus();
  if (router.route.view === 'done') {
    focus();
    return;
  }
  router.go({ view: 'done' });
  // Entering a view gives its heading the focus first.
  setTimeout(focus, 100);
}

const links = () => [...document.querySelectorAll<HTMLElement>('main [data-open]')];

function focusedJob(): number | null {
  const row = document.activeElement?.closest<HTMLElement>('[data-job]');
  return row ? Number(row.dataset.job) : null;
}

function step(by: 1 | -1): boolean {
  const all = links();
  const at = all.findIndex((link) => Number(link.dataset.open) === focusedJob());
  const next = at < 0 ? all[by > 0 ? 0 : all.length - 1] : all[at + by];
  next?.focus();
  return next !== undefined;
}

function onJob(page: Page, event: KeyboardEvent): boolean {
  const { queue, router } = page;
  const id = focusedJob() ?? (router.route.view === 'job' ? router.route.id : null);
  const job = id === null ? undefined : queue.find(id);
  if (job === undefined) return false;
  switch (event.key) {
    case 'p':
      return pauseOrResume(queue, job);
    case 'r':
      if (job.status !== 'failed' && job.status !== 'canceled') return false;
      keepingPlace(() => queue.act('retry', [job]));
      return true;
    case 'x':
    case 'X':
      return select(page, job, event.shiftKey);
    default: {
      const priority = PRIORITIES[event.key];
      if (priority === undefined || job.status !== 'queued') return false;
      keepingPlace(() => queue.setPriority(job, priority));
      return true;
    }
  }
}

function pauseOrResume(queue: Queue, job: Shown): boolean {
  if (job.status === 'done' || job.status === 'failed' || job.status === 'canceled') return false;
  keepingPlace(() => queue.act(job.status === 'paused' ? 'resume' : 'pause', [job]));
  return true;
}

function select(page: Page, job: Shown, isRange: boolean): boolean {
  if (page.router.route.view !== 'done') return false;
  const { selection } = page;
  if (isRange && selection.last !== null) selection.set(between(page.queue.ended.jobs, selection.last, job.id), true);
  else selection.set([job.id], !selection.has(job.id));
  return true;
}

/** Where a row goes from under the focus, the focus goes to the next row. */
function keepingPlace(act: () => Promise<unknown>): void {
  const all = links();
  const at = all.findIndex((link) => Number(link.dataset.open) === focusedJob());
  const ids = all.slice(at).concat(all.slice(0, Math.max(0, at)).reverse()).map((link) => link.dataset.open);
  if (at < 0) {
    void act();
    return;
  }
  void act().then(() => {
    requestAnimationFrame(() => {
      if (document.activeElement !== document.body) return;
      for (const id of ids.slice(1)) {
        const link = document.querySelector<HTMLElement>(`main [data-open="${id}"]`);
        if (link) {
          link.focus();
          return;
        }
      }
    });
  });
}
