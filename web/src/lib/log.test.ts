import { expect, test } from 'vitest';
import type { LogLine } from '../api/types';
import { MOST_LINES, NOTHING, withPage } from './log';

const lines = (from: number, count: number): LogLine[] => Array.from({ length: count }, (_, at) => ({ number: from + at, at: '', level: 'info', text: '' }));

test('lines are kept within bounds, and a gap is known', () => {
  const first = withPage(NOTHING, { lines: lines(1, 3), next: 3, missed: false });
  expect([first.lines.length, first.next, first.hasGap]).toEqual([3, 3, false]);
  const second = withPage(first, { lines: [], next: 9, missed: false });
  expect([second.lines.length, second.next, second.hasGap]).toEqual([3, 9, false]);
  const full = withPage(second, { lines: lines(10, MOST_LINES), next: 5000, missed: false });
  expect([full.lines.length, full.lines[0]?.number, full.hasGap]).toEqual([MOST_LINES, 10, true]);
  expect(withPage(NOTHING, { lines: [], next: 3, missed: true }).hasGap).toBe(true);
});
