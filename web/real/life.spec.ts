// A user's way through the page of a real server: from the first visit to the result.
import AxeBuilder from '@axe-core/playwright';
import { expect, test, type Page } from '@playwright/test';
import { RealServer } from './server';

const server = new RealServer();
/** Slow enough to be watched, on a machine of any speed; one segment is some frames. */
const SLOW = ['--model', 'none', '--scale', '4', '--preset', 'slow', '--segment-frames', '25'];

test.beforeEach(async () => server.start(...SLOW));
test.afterEach(async () => server.kill());
test.afterAll(async () => server.end());

const choose = (page: Page, ...files: string[]) => page.locator('input[type="file"]').setInputFiles(files);
const stage = (page: Page) => page.locator('section.stage');
const played = (page: Page) => page.locator('video').evaluate((video: HTMLVideoElement) => video.currentTime);

async function isAccessible(page: Page): Promise<void> {
  const found = await new AxeBuilder({ page }).analyze();
  expect(found.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.target).join(' ')}`)).toEqual([]);
}

test('from the first visit to the result', async ({ page }) => {
  await page.goto(server.address);
  await expect(page.getByRole('heading', { level: 1 })).toContainText('comes back larger and sharper');
  await choose(page, server.clip('film.mp4', 250));
  await page.getByRole('link', { name: 'film.mp4' }).first().click();
  await expect(page.getByRole('heading', { level: 1 })).toHaveText('film.mp4');

  // What is finished can be looked at and played while the rest is made.
  await expect(page.getByRole('img', { name: /Segments of film.mp4: [1-9]\d* of 10 finished/ })).toBeVisible();
  await page.getByRole('button', { name: 'Pause' }).click();
  await expect(page.getByRole('button', { name: 'Resume' })).toBeVisible();
  await expect(stage(page).getByRole('img', { name: /, upscaled$/ })).toBeVisible();
  const cut = stage(page).getByRole('slider', { name: 'Cut between source and upscaled' });
  await cut.focus();
  await page.keyboard.press('Home');
  await expect(stage(page).getByRole('img', { name: /, upscaled$/ })).toHaveCSS('clip-path', 'inset(0px)');
  await page.getByRole('button', { name: 'Play', exact: true }).click();
  await expect(page.getByText(/^Finished: 0:00:00 to 0:00:0\d/)).toBeVisible();
  await page.locator('video').evaluate((video: HTMLVideoElement) => video.play());
  await expect.poll(() => played(page)).toBeGreaterThan(0.2);
  const size = await page.locator('video').evaluate((video: HTMLVideoElement) => [video.videoWidth, video.videoHeight]);
  expect(size).toEqual([1280, 720]);
  await isAccessible(page);

  // The source is played beside it, in step.
  await page.getByRole('button', { name: 'Beside the source' }).click();
  const apart = () =>
    page.evaluate(() => {
      const [upscaled, source] = [...document.querySelectorAll('video')];
      return upscaled && source && source.readyState > 1 ? Math.abs(source.currentTime - upscaled.currentTime) : Infinity;
    });
  await page.locator('video').first().evaluate((video: HTMLVideoElement) => video.pause());
  await page.locator('video').first().evaluate((video: HTMLVideoElement) => (video.currentTime = 0.4));
  await expect.poll(apart).toBeLessThan(0.05);
  await page.locator('video').first().evaluate((video: HTMLVideoElement) => video.play());
  await page.waitForTimeout(300);
  expect(await apart()).toBeLessThan(0.1);
  await isAccessible(page);
  await page.getByRole('button', { name: 'Beside the source' }).click();

  // It stops where nothing is made yet, and goes on by itself when it is.
  await page.locator('video').evaluate((video: HTMLVideoElement) => (video.currentTime = 9.9));
  await page.getByRole('button', { name: 'Resume' }).click();
  await expect(page.getByRole('link', { name: 'Download' })).toBeVisible();
  await page.locator('video').evaluate((video: HTMLVideoElement) => video.play());
  await expect.poll(() => played(page)).toBeGreaterThan(5);
  const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'Download' }).click()]);
  expect(download.suggestedFilename()).toBe('film_upscaled.mp4');
  await expect(page.getByRole('tabpanel', { name: 'Report' }).getByText('h264').first()).toBeVisible();
  await isAccessible(page);
});

test('a job is canceled, tried again, and survives the death of its server', async ({ page }) => {
  await page.goto(server.address);
  await choose(page, server.clip('second.mp4', 250));
  await page.getByRole('link', { name: 'second.mp4' }).first().click();
  await expect(page.getByRole('img', { name: /Segments of second.mp4: [1-9]\d* of 10 finished/ })).toBeVisible();
  await page.getByRole('button', { name: 'More for second.mp4' }).click();
  await page.getByRole('menuitem', { name: /Cancel/ }).click();
  await page.getByRole('alertdialog').locator('button.danger').click();
  await expect(page.locator('h1 + .line').getByText(/Canceled/)).toBeVisible();
  await page.getByRole('button', { name: 'Retry' }).click();
  await expect(page.getByRole('img', { name: /Segments of second.mp4: [1-9]\d* of 10 finished/ })).toBeVisible();

  await server.kill();
  await expect(page.getByText(/^No answer from the server since/)).toBeVisible();
  await server.start(...SLOW);
  await expect(page.getByText(/^No answer from the server since/)).toHaveCount(0);
  await expect(page.getByRole('link', { name: 'Download' })).toBeVisible({ timeout: 120_000 });
});

test('an upload goes on where it was when the server dies', async ({ page }) => {
  await page.goto(server.address);
  // Slow enough to be interrupted: the browser is given little of the line.
  const line = await page.context().newCDPSession(page);
  const limits = { offline: false, latency: 0, downloadThroughput: -1, uploadThroughput: 400_000 };
  await line.send('Network.emulateNetworkConditions', limits);
  await choose(page, server.clip('third.mp4', 500, '640x360'));
  const panel = page.getByRole('region', { name: /upload/i });
  await expect(panel.getByText(/[1-9][\d.]* (MB|kB) of/)).toBeVisible();
  await server.kill();
  await server.start(...SLOW);
  await expect(panel.getByText('It is in the input folder, and is taken in')).toBeVisible({ timeout: 120_000 });
  await expect(page.getByRole('link', { name: 'third.mp4' }).first()).toBeVisible();
});

test('a password, a token, a phone and the keyboard', async ({ page, browser }) => {
  await page.goto(server.address);
  await choose(page, server.clip('fourth.mp4', 25));
  await expect(page.getByRole('link', { name: 'fourth.mp4' }).first()).toBeVisible();
  await page.goto(`${server.address}#/account`);
  await page.locator('#next').fill('a long password');
  await page.locator('form', { has: page.locator('#next') }).getByRole('button').click();
  // The password holds from now on.
  await expect(page.locator('#current')).toBeVisible();
  await page.locator('#token-name').fill('nas');
  await page.locator('form', { has: page.locator('#token-name') }).getByRole('button').click();
  const token = await page.locator('.secret input').inputValue();
  const list = (headers: Record<string, string>) => fetch(`${server.address}api/v1/jobs`, { headers });
  expect((await list({})).status).toBe(401);
  expect((await list({ authorization: `Bearer ${token}` })).status).toBe(200);

  const context = await browser.newContext({ viewport: { width: 360, height: 740 } });
  const phone = await context.newPage();
  await phone.goto(server.address);
  await expect(phone.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await phone.keyboard.type('a long password');
  await phone.keyboard.press('Enter');
  await expect(phone.getByRole('heading', { level: 1, name: 'Queue' })).toBeVisible();
  const overflow = await phone.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  expect(overflow).toBe(0);
  await isAccessible(phone);
  // By the keyboard alone to a job and to its frames.
  const isAtJob = () => phone.evaluate(() => /^#\/jobs\/\d+$/.test(document.activeElement?.getAttribute('href') ?? ''));
  for (let step = 0; step < 60 && !(await isAtJob()); step += 1) await phone.keyboard.press('Tab');
  await phone.keyboard.press('Enter');
  await expect(phone.getByRole('heading', { level: 1, name: /\.mp4$/ })).toBeVisible();
  await isAccessible(phone);
  await context.close();
});
