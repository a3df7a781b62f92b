import { describe, expect, test } from 'vitest';
import { between, kindOf, moved, placesOf, replaced, shown, withHead, withPage, withProgress, without, type Shown } from './jobs';

const job = (id: number, more: Partial<Shown> = {}): Shown => ({
  id,
  status: 'running',
  doing: 'upscaling',
  phase: 'segments',
  frames: 1000,
  frames_done: 0,
  segments: 10,
  segments_done: 0,
  bytes: 0,
  source: `/in/${id}.mkv`,
  name: `${id}.mkv`,
  result_gone: false,
  priority: 'normal',
  model: 'm',
  reused_frames: 0,
  reused_pixels: 0,
  added: '2026-01-01T00:00:00Z',
  failed_attempts: 0,
  notes: [],
  seen: 0,
  again: 0,
  ...more,
});
const ids = (list: readonly Shown[]) => list.map((one) => one.id);

test('each status has its kind', () => {
  const kinds = ['queued', 'waiting for space', 'waiting for folder', 'running', 'paused', 'failed', 'done', 'canceled'];
  expect(kinds.map((status) => kindOf({ status }))).toEqual(['waiting', 'waiting', 'waiting', 'running', 'paused', 'failed', 'done', 'canceled']);
});

describe('progress', () => {
  test('never goes back: frames of an attempt that was given up come again', () => {
    const before = job(1, { frames_done: 430, segments_done: 4 });
    const after = shown(job(1, { frames_done: 400, segments_done: 4 }), before, 5);
    expect([after.frames_done, after.again, after.seen]).toEqual([430, 0, 5]);
    expect(shown(job(1, { frames_done: 431, segments_done: 4 }), after, 6).frames_done).toBe(431);
  });

  test('says how many segments are made again until the work is caught up', () => {
    const before = job(1, { frames_done: 430, segments_done: 4 });
    const lost = shown(job(1, { frames_done: 100, segments_done: 1 }), before, 0);
    expect([lost.frames_done, lost.again]).toEqual([430, 3]);
    const later = shown(job(1, { frames_done: 200, segments_done: 2 }), lost, 0);
    expect([later.frames_done, later.again]).toEqual([430, 2]);
    const caughtUp = shown(job(1, { frames_done: 440, segments_done: 4 }), later, 0);
    expect([caughtUp.frames_done, caughtUp.again]).toEqual([440, 0]);
  });

  test('begins anew after a job has ended', () => {
    const before = job(1, { status: 'done', frames_done: 1000, segments_done: 10 });
    expect(shown(job(1, { status: 'queued' }), before, 0).frames_done).toBe(0);
  });

  test('keeps what it does not say', () => {
    const before = job(1, { engine: 'cpu', name: 'a.mkv' });
    const after = withProgress(before, { id: 1, status: 'running', phase: 'join', frames_done: 9, segments: 10, segments_done: 1, bytes: 2 }, 7);
    expect([after.engine, after.frames, after.name, after.phase, after.frames_done]).toEqual(['cpu', 1000, 'a.mkv', 'join', 9]);
  });
});

describe('a list', () => {
  const list = [1, 2, 3, 4, 5].map((id) => job(id));

  test('takes a job in the place of the same one, and stays the same without it', () => {
    expect(replaced(list, job(3, { status: 'done' }))[2]?.status).toBe('done');
    expect(replaced(list, job(9))).toBe(list);
    expect(without(list, new Set([9]))).toBe(list);
    expect(ids(without(list, new Set([2, 5])))).toEqual([1, 3, 4]);
  });

  test('keeps what follows on a head that was read again', () => {
    const head = [job(7), job(1), job(2)];
    expect(withHead(list, head, true)).toMatchObject({ keepsTail: true });
    expect(ids(withHead(list, head, true).jobs)).toEqual([7, 1, 2, 3, 4, 5]);
  });

  test('is the head where that is all, or where nothing follows on', () => {
    expect(ids(withHead(list, [job(2)], false).jobs)).toEqual([2]);
    expect(ids(withHead(list, [job(8), job(9)], true).jobs)).toEqual([8, 9]);
    expect(withHead(list, [], false)).toEqual({ jobs: [], keepsTail: false });
  });

  test('has no job twice', () => {
    expect(ids(withHead(list, [job(4), job(2)], true).jobs)).toEqual([4, 2, 3, 5]);
    expect(ids(withPage(list, [job(5), job(6)]))).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('moves a job among those of its priority', () => {
    const mixed = [job(1, { priority: 'high' }), job(2), job(3), job(4, { priority: 'low' })];
    expect(placesOf(mixed, mixed[1] as Shown)).toEqual([1, 2]);
    expect(ids(moved(list, 4, 0))).toEqual([5, 1, 2, 3, 4]);
    expect(ids(moved(list, 0, 4))).toEqual([2, 3, 4, 5, 1]);
    expect(moved(list, 9, 0)).toBe(list);
  });

  test('has ranges in both directions', () => {
    expect(between(list, 2, 4)).toEqual([2, 3, 4]);
    expect(between(list, 4, 2)).toEqual([2, 3, 4]);
    expect(between(list, 9, 2)).toEqual([2]);
  });
});
