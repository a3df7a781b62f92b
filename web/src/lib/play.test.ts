import { describe, expect, test } from 'vitest';
import { partAt, ranges, wanted, type Part } from './play';

const part = (segment: number, start: number, end: number): Part => ({ segment, start, end });
const parts = [part(0, 0, 2), part(1, 2.0004, 4), part(3, 6, 8), part(4, 8, 10)];
const none = () => false;

describe('partAt', () => {
  test('gives the part of a time, and none in a hole', () => {
    expect(partAt(parts, 0)?.segment).toBe(0);
    expect(partAt(parts, 2)?.segment).toBe(1);
    expect(partAt(parts, 5)).toBeNull();
    expect(partAt(parts, 10)).toBeNull();
  });
});

describe('wanted', () => {
  test('begins where the film is played', () => {
    expect(wanted(parts, 2.5, 30, none)?.segment).toBe(1);
    expect(wanted(parts, 6, 30, none)?.segment).toBe(3);
  });
  test('goes on after what is there, up to a hole', () => {
    expect(wanted(parts, 0, 30, (segment) => segment === 0)?.segment).toBe(1);
    expect(wanted(parts, 0, 30, (segment) => segment < 2)).toBeNull();
    expect(wanted(parts, 7, 30, (segment) => segment === 3)?.segment).toBe(4);
  });
  test('reads no more than is asked for', () => {
    expect(wanted(parts, 0, 1, (segment) => segment === 0)).toBeNull();
  });
  test('reads nothing in a hole', () => {
    expect(wanted(parts, 5, 30, none)).toBeNull();
    expect(wanted([], 0, 30, none)).toBeNull();
  });
});

test('ranges join what has no hole between it', () => {
  expect(ranges(parts)).toEqual([
    { start: 0, end: 4 },
    { start: 6, end: 10 },
  ]);
});
