import type { Page } from '@playwright/test';
import { address, expect, open, row, tell, test } from './server';

const MEGABYTE = 1_000_000;
const film = (name = 'film.mkv', size = 3 * MEGABYTE) => ({ name, mimeType: 'video/x-matroska', buffer: Buffer.alloc(size, 7) });
const panel = (page: Page) => page.getByRole('region', { name: /upload/i });
const choose = (page: Page, files: ReturnType<typeof film> | ReturnType<typeof film>[]) => page.locator('input[type="file"]').setInputFiles(files);
const received = (bytes: number) =>
  expect.poll(async () => (await fetch(`${address}mock/received/${bytes}`, { method: 'POST' })).status).toBe(204);

/** Drags something over the page, or drops it there. */
const drag = (page: Page, kind: 'dragenter' | 'drop', what: { name: string; size: number } | string) =>
  page.evaluate(
    ({ kind, what }) => {
      const dataTransfer = new DataTransfer();
      if (typeof what === 'string') dataTransfer.items.add(what, 'text/plain');
      else dataTransfer.items.add(new File([new Uint8Array(what.size)], what.name, { lastModified: 1 }));
      document.body.dispatchEvent(new DragEvent(kind, { dataTransfer, bubbles: true, cancelable: true }));
    },
    { kind, what },
  );
const drop = (page: Page, name: string, size: number) => drag(page, 'drop', { name, size });

test('chosen videos are sent, and the page says their names in the input folder', async ({ page }) => {
  await open(page);
  const [chooser] = await Promise.all([page.waitForEvent('filechooser'), page.getByRole('button', { name: 'Add video' }).click()]);
  expect(chooser.isMultiple()).toBe(true);
  await chooser.setFiles([film(), film('Über 映画.mp4')]);
  await expect(panel(page).getByText('It is in the input folder as film (2).mkv')).toBeVisible();
  await expect(panel(page).getByText('It is in the input folder, and is taken in')).toBeVisible();
  await expect(page.locator('[role="status"]').getByText('Über 映画.mp4 is uploaded')).toHaveCount(1);
  await received(6 * MEGABYTE);
  expect(await page.evaluate(() => localStorage.getItem('upscaled.uploads'))).toBe('[]');
  await page.getByRole('button', { name: 'Close the uploads' }).click();
  await expect(panel(page)).toHaveCount(0);
});

test('files are dropped anywhere, and other things are left alone', async ({ page }) => {
  await open(page, '#/done');
  await expect(row(page, 390)).toBeVisible();
  await drag(page, 'dragenter', 'some text');
  await expect(page.getByText('Drop to add videos')).toHaveCount(0);
  await drag(page, 'dragenter', { name: 'dropped.mkv', size: 1000 });
  await expect(page.getByText('Drop to add videos')).toBeVisible();
  await drop(page, 'dropped.mkv', 1000);
  await expect(page.getByText('Drop to add videos')).toHaveCount(0);
  await expect(panel(page).getByText('dropped.mkv')).toBeVisible();
  await received(1000);
});

test('an upload pauses and goes on where it was', async ({ page }) => {
  await open(page);
  await tell(`hold/${MEGABYTE}`);
  await drop(page, 'a.mkv', 40 * MEGABYTE);
  await expect(panel(page).getByText(/of 40 MB/)).toBeVisible();
  await expect(panel(page).getByRole('progressbar', { name: 'a.mkv' })).toBeVisible();
  await page.getByRole('button', { name: 'Pause the upload of a.mkv' }).click();
  await expect(panel(page).getByText(/^Paused\./)).toBeVisible();
  await tell('release');
  await page.getByRole('button', { name: 'Resume the upload of a.mkv' }).click();
  await expect(panel(page).getByText('It is in the input folder')).toBeVisible();
  await received(40 * MEGABYTE);
});

test('after a broken line and a server that is away an upload goes on by itself', async ({ page }) => {
  await open(page);
  await tell(`cut/${MEGABYTE}`);
  await choose(page, film('a.mkv', 5 * MEGABYTE));
  await expect(panel(page).getByText('It is in the input folder')).toBeVisible();
  await received(5 * MEGABYTE);
  await tell('offline');
  await choose(page, film('b.mkv'));
  await expect(panel(page).getByText('The line is broken; it goes on by itself.')).toBeVisible();
  await tell('online');
  await expect(panel(page).getByText('It is in the input folder')).toHaveCount(2, { timeout: 20_000 });
});

test('the same file goes on after the page was loaded again', async ({ page }) => {
  await open(page);
  await tell(`hold/${MEGABYTE}`);
  await drop(page, 'a.mkv', 5 * MEGABYTE);
  await page.getByRole('button', { name: 'Pause the upload of a.mkv' }).click();
  await expect(panel(page).getByText(/^Paused\./)).toBeVisible();
  await tell('release');
  await page.reload();
  await expect(panel(page).getByText('Add the same file again, and it goes on.')).toBeVisible();
  await drop(page, 'a.mkv', 5 * MEGABYTE);
  await expect(panel(page).getByText('It is in the input folder')).toBeVisible();
  await received(5 * MEGABYTE);
});

test('what the server refuses is said in its words, and can be tried again', async ({ page }) => {
  await open(page);
  await choose(page, film('.hidden.mkv'));
  await expect(panel(page).getByText('The file name cannot be used: it begins with a dot.')).toBeVisible();
  await tell('full');
  await choose(page, film('a.mkv'));
  await expect(panel(page).getByText(/The disk of the server has no room for it: 2.1 GB are needed/)).toBeVisible();
  await tell('roomy');
  await page.getByRole('button', { name: 'Try the upload of a.mkv again' }).click();
  await expect(panel(page).getByText('It is in the input folder')).toBeVisible();
});

test('a canceled upload is gone, and the next one begins', async ({ page }) => {
  await open(page);
  await tell(`hold/${MEGABYTE}`);
  await drop(page, 'a.mkv', 40 * MEGABYTE);
  await drop(page, 'b.mkv', 3 * MEGABYTE);
  await expect(panel(page).getByText('waits for the one before it')).toBeVisible();
  await expect(panel(page).getByText(/of 40 MB/)).toBeVisible();
  await tell('hold/1000000000');
  const [gone] = await Promise.all([
    page.waitForRequest((request) => request.method() === 'DELETE'),
    page.getByRole('button', { name: 'Cancel the upload of a.mkv' }).click(),
  ]);
  expect(gone.url()).toContain('/api/v1/uploads/');
  await expect(panel(page).getByText('a.mkv')).toHaveCount(0);
  await expect(panel(page).getByText('It is in the input folder')).toBeVisible();
});

test('an upload whose session ends goes on after signing in', async ({ page }) => {
  await tell('password/secret-words');
  await page.goto('/');
  const signIn = async () => {
    await page.getByLabel('Owner’s password').fill('secret-words');
    await page.keyboard.press('Enter');
    await expect(row(page, 405)).toBeVisible();
  };
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  // Nothing is taken before signing in.
  await drop(page, 'early.mkv', 1000);
  await signIn();
  await expect(panel(page)).toHaveCount(0);
  await tell(`hold/${MEGABYTE}`);
  await drop(page, 'a.mkv', 5 * MEGABYTE);
  await expect(panel(page).getByText(/of 5 MB/)).toBeVisible();
  await tell('expire');
  await tell('release');
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await signIn();
  await expect(panel(page).getByText('It is in the input folder')).toBeVisible();
  await received(5 * MEGABYTE);
});

for (const width of [1440, 390]) {
  test(`the panel folds and covers nothing at the end of the page, at ${width} pixels`, async ({ page }) => {
    await page.setViewportSize({ width, height: 900 });
    await open(page);
    await expect(row(page, 405)).toBeVisible();
    await tell(`hold/${MEGABYTE}`);
    await drop(page, 'a.mkv', 40 * MEGABYTE);
    await expect(panel(page).getByText(/of 40 MB/)).toBeVisible();
    const last = page.locator('main :is(button, a)').last();
    await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
    const [below, top] = await Promise.all([last.boundingBox(), panel(page).boundingBox()]);
    expect((below?.y ?? 0) + (below?.height ?? 0)).toBeLessThanOrEqual(top?.y ?? 0);
    await page.getByRole('button', { name: 'Fold the uploads' }).click();
    await expect(panel(page).getByRole('progressbar')).toHaveCount(0);
    await expect(page.getByRole('button', { name: 'Unfold the uploads' })).toHaveAttribute('aria-expanded', 'false');
  });
}
