// The pictures of the README, of a real server at work on real films. UPSCALED_FILMS is a folder with three or more, and
// UPSCALED_PICTURES (docs/pictures, where nothing is said) gets them: npm run pictures.
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test, type Page } from '@playwright/test';
import { RealServer } from './server';

const films = process.env.UPSCALED_FILMS ?? '';
const PICTURES = resolve(process.env.UPSCALED_PICTURES ?? '../docs/pictures');
const server = new RealServer();

test.skip(films === '' || !existsSync(films), 'UPSCALED_FILMS names no folder with films');
test.use({ viewport: { width: 1280, height: 800 }, deviceScaleFactor: 1 });
test.afterAll(async () => server.end());

const shoot = (page: Page, name: string) => page.screenshot({ path: join(PICTURES, name), type: 'jpeg', quality: 82 });

test('the pictures of the README', async ({ page }) => {
  const videos = readdirSync(films).filter((name) => /\.(mp4|mkv|mpg|avi|mov)$/.test(name));
  expect(videos.length).toBeGreaterThan(2);
  await server.start('--scale', '2', '--segment-frames', '8', '--preset', 'veryfast');
  await page.goto(server.address);
  await expect(page.getByRole('heading', { level: 1 })).toContainText('comes back larger');
  await shoot(page, 'first-visit.jpg');

  // A film that a page is given, and others that lie in the folder.
  await page.locator('input[type="file"]').setInputFiles(videos.map((name) => join(films, name)));
  const [first = ''] = videos;
  const link = page.getByRole('article').getByRole('link').first();
  await expect(link).toBeVisible();
  await expect(page.getByRole('article').getByText(/of the work/).first()).toBeVisible();
  await expect(page.getByRole('article').getByText(/[2-9] of \d+|[1-9]\d of \d+/).first()).toBeVisible();
  await page.waitForTimeout(3000);
  await shoot(page, 'queue.jpg');

  await link.click();
  const stage = page.locator('section.stage');
  await expect(stage.getByRole('img', { name: /, upscaled$/ })).toBeVisible();
  await page.waitForTimeout(3000);
  await shoot(page, 'job.jpg');
  await page.setViewportSize({ width: 390, height: 844 });
  await page.waitForTimeout(1000);
  await shoot(page, 'phone.jpg');
  await page.setViewportSize({ width: 1280, height: 800 });

  // A film by two models.
  await page.goto(`${server.address}#/new`);
  await page.getByRole('button', { name: new RegExp(`^${first.replace('.', '\\.')}`) }).first().click();
  await expect(page.getByText(/for the whole film|h .* min|about/).first()).toBeVisible();
  await page.waitForTimeout(20_000);
  await shoot(page, 'new-job.jpg');
});
