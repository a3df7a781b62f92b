// Numbers by the locale of the browser.

/** The locale of the browser; tests set their own. */
let locale: string | undefined;
const made = new Map<string, Intl.NumberFormat>();

export function setLocale(name: string | undefined): void {
  locale = name;
  made.clear();
}

export function currentLocale(): string | undefined {
  return locale;
}

function format(options: Intl.NumberFormatOptions): Intl.NumberFormat {
  const key = JSON.stringify(options);
  let known = made.get(key);
  if (known === undefined) made.set(key, (known = new Intl.NumberFormat(locale, options)));
  return known;
}

export function number(value: number, digits = 0): string {
  return format({ minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);
}

/** A share of 0 to 1, with one digit. */
export function percent(share: number): string {
  return format({ style: 'percent', minimumFractionDigits: 1, maximumFractionDigits: 1 }).format(share);
}

/** A share without digits. */
export function wholePercent(share: number): string {
  return format({ style: 'percent', maximumFractionDigits: 0 }).format(share);
}

/** The share of work that is done, rounded down: 100 % only of what is done. */
export function shareOfWork(done: number, of: number, isDone: boolean): number {
  if (isDone) return 1;
  if (of <= 0) return 0;
  return Math.min(0.999, Math.max(0, Math.floor((done / of) * 1000) / 1000));
}

const STEPS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte', 'petabyte'] as const;

/** Bytes by thousands, with three digits. */
export function size(bytes: number): string {
  let value = Math.max(0, bytes);
  let step = 0;
  // What would be rounded to a thousand belongs to the next unit.
  while (step < STEPS.length - 1 && value >= 999.5) {
    value /= 1000;
    step += 1;
  }
  const unit = STEPS[step] ?? 'byte';
  return format({ style: 'unit', unit, unitDisplay: step === 0 ? 'long' : 'short', maximumSignificantDigits: 3 }).format(value);
}
