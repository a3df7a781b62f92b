// Where a picture stands in its view, and where the cut between before and after is.

export interface Size {
  width: number;
  height: number;
}

export interface Point {
  x: number;
  y: number;
}

/** The size that the API gives as `2560x1088`. */
export function sizeOf(text: string | null | undefined): Size | null {
  const found = /^(\d+)x(\d+)$/.exec(text ?? '');
  return found ? { width: Number(found[1]), height: Number(found[2]) } : null;
}

/** Fit, or how many pixels of the screen a pixel of the result takes. */
export type Zoom = 'fit' | 1 | 4;

/** The size of a picture in its view, in CSS pixels. */
export function shownSize(picture: Size, view: Size, zoom: Zoom, screen: number): Size {
  const scale = zoom === 'fit' ? Math.min(view.width / picture.width, view.height / picture.height) : zoom / screen;
  return { width: picture.width * scale, height: picture.height * scale };
}

/** The place of a picture that fills as much of its view as it can: smaller ones stand in the middle. */
export function held(place: Point, shown: Size, view: Size): Point {
  const hold = (at: number, length: number, room: number) =>
    length <= room ? (room - length) / 2 : Math.min(0, Math.max(room - length, at));
  return { x: hold(place.x, shown.width, view.width), y: hold(place.y, shown.height, view.height) };
}

/** The place after a change of size, with the same point of the picture in the middle of the view. */
export function zoomed(place: Point, before: Size, after: Size, view: Size): Point {
  const keep = (at: number, from: number, to: number, room: number) => (from === 0 ? at : room / 2 - ((room / 2 - at) / from) * to);
  const wanted = {
    x: keep(place.x, before.width, after.width, view.width),
    y: keep(place.y, before.height, after.height, view.height),
  };
  return held(wanted, after, view);
}

/** The part of the picture from its left side on that is behind the cut, in CSS pixels. */
export function cutOf(share: number, place: Point, shown: Size, view: Size): number {
  return Math.min(shown.width, Math.max(0, share * view.width - place.x));
}
