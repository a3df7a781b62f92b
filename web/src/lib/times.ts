// Durations and times in words: as exact as they are known, and not more.
import { words } from '../words';
import { currentLocale } from './numbers';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** To what a duration is rounded: the longer, the coarser. */
export function grain(seconds: number): number {
  if (seconds < MINUTE) return 10;
  if (seconds < 10 * MINUTE) return MINUTE;
  if (seconds < 6 * HOUR) return 5 * MINUTE;
  if (seconds < DAY) return 10 * MINUTE;
  return HOUR;
}

/** A duration that is estimated, without "about". */
export function rough(seconds: number): string {
  const step = grain(seconds);
  return inWords(Math.max(step, Math.round(seconds / step) * step));
}

/** A duration that was measured: seconds below a minute, minutes below a day. */
export function exact(seconds: number): string {
  const step = seconds < MINUTE ? 1 : seconds < DAY ? MINUTE : HOUR;
  return inWords(Math.max(step, Math.round(seconds / step) * step));
}

function inWords(seconds: number): string {
  const { units } = words;
  const days = Math.floor(seconds / DAY);
  const hours = Math.floor((seconds % DAY) / HOUR);
  const minutes = Math.floor((seconds % HOUR) / MINUTE);
  if (days > 0) return hours > 0 ? `${units.days(days)} ${units.hours(hours)}` : units.days(days);
  if (hours > 0) return minutes > 0 ? `${units.hours(hours)} ${units.minutes(minutes)}` : units.hours(hours);
  if (minutes > 0) return units.minutes(minutes);
  return units.seconds(seconds);
}

/** A position in a film: 0:48:22. */
export function filmTime(seconds: number): string {
  const whole = Math.floor(seconds);
  const two = (value: number) => String(value).padStart(2, '0');
  return `${Math.floor(whole / HOUR)}:${two(Math.floor((whole % HOUR) / MINUTE))}:${two(whole % MINUTE)}`;
}

const formats = new Map<string, Intl.DateTimeFormat>();
function date(at: Date, options: Intl.DateTimeFormatOptions): string {
  const key = (currentLocale() ?? '') + JSON.stringify(options);
  let known = formats.get(key);
  if (known === undefined) formats.set(key, (known = new Intl.DateTimeFormat(currentLocale(), options)));
  return known.format(at);
}

export function clock(at: number): string {
  return date(new Date(at), { hour: '2-digit', minute: '2-digit' });
}

/** Days from one time to another, by the calendar. */
function daysBetween(from: number, to: number): number {
  const noon = (at: number) => new Date(at).setHours(12, 0, 0, 0);
  return Math.round((noon(to) - noon(from)) / (DAY * 1000));
}

/** A day: today, yesterday, then the date; with its year where that is another. */
export function day(at: number, now: number): string {
  const days = daysBetween(at, now);
  if (days === 0) return words.days.today;
  if (days === 1) return words.days.yesterday;
  const isThisYear = new Date(at).getFullYear() === new Date(now).getFullYear();
  return date(new Date(at), { weekday: 'long', day: 'numeric', month: 'long', ...(isThisYear ? {} : { year: 'numeric' }) });
}

/** When something was: "today, 09:12". */
export function moment(text: string | null | undefined, now: number): string {
  const at = text ? Date.parse(text) : NaN;
  return Number.isNaN(at) ? words.days.unknown : words.at(day(at, now), clock(at));
}

/** When something will be ready, as a whole sentence; nothing where that is past. */
export function doneAt(seconds: number, seen: number, now: number): string | null {
  const step = grain(seconds) * 1000;
  const at = Math.ceil((seen + seconds * 1000) / step) * step;
  if (at <= now) return null;
  const { left } = words;
  const days = daysBetween(now, at);
  if (days === 0) return left.doneToday(clock(at));
  if (days === 1) return left.doneTomorrow(clock(at));
  const name = days < 7 ? { weekday: 'long' as const } : { day: 'numeric' as const, month: 'long' as const };
  return left.doneOn(date(new Date(at), name), clock(at));
}

/** A time of the log, to the second. */
export const stamp = (text: string): string =>
  date(new Date(text), { month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
