import { describe, expect, it } from 'vitest';
import { cutOf, held, shownSize, sizeOf, zoomed } from './view';

const view = { width: 800, height: 400 };

describe('a picture in its view', () => {
  it('has the size that the server says', () => {
    expect(sizeOf('2560x1088')).toEqual({ width: 2560, height: 1088 });
    for (const wrong of [null, undefined, '', '2560', 'x', '2560x1088x3']) expect(sizeOf(wrong)).toBeNull();
  });

  it('fits, or has as many pixels of the screen as are wanted', () => {
    expect(shownSize({ width: 1600, height: 1200 }, view, 'fit', 2)).toEqual({ width: 533.3333333333333, height: 400 });
    expect(shownSize({ width: 1600, height: 1200 }, view, 1, 2)).toEqual({ width: 800, height: 600 });
    expect(shownSize({ width: 1600, height: 1200 }, view, 4, 1)).toEqual({ width: 6400, height: 4800 });
  });

  it('never leaves a gap that it could fill', () => {
    expect(held({ x: 50, y: 50 }, { width: 1600, height: 200 }, view)).toEqual({ x: 0, y: 100 });
    expect(held({ x: -5000, y: 0 }, { width: 1600, height: 800 }, view)).toEqual({ x: -800, y: 0 });
    expect(held({ x: -30, y: -70 }, { width: 1600, height: 800 }, view)).toEqual({ x: -30, y: -70 });
  });

  it('keeps its middle when it is enlarged', () => {
    const small = { width: 800, height: 400 };
    const large = { width: 3200, height: 1600 };
    expect(zoomed({ x: 0, y: 0 }, small, large, view)).toEqual({ x: -1200, y: -600 });
    expect(zoomed({ x: -1200, y: -600 }, large, small, view)).toEqual({ x: 0, y: 0 });
  });

  it('is cut where the view is', () => {
    const shown = { width: 1600, height: 800 };
    expect(cutOf(0.5, { x: 0, y: 0 }, shown, view)).toBe(400);
    expect(cutOf(0.5, { x: -800, y: 0 }, shown, view)).toBe(1200);
    expect(cutOf(0, { x: 100, y: 0 }, { width: 600, height: 400 }, view)).toBe(0);
    expect(cutOf(1, { x: 100, y: 0 }, { width: 600, height: 400 }, view)).toBe(600);
  });
});
