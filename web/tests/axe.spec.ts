import AxeBuilder from '@axe-core/playwright';
import type { Page } from '@playwright/test';
import { expect, open, row, tell, test } from './server';

const found = async (page: Page) => {
  const { violations } = await new AxeBuilder({ page }).analyze();
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join(' | ')}`);
};

const views: [string, string, (page: Page) => Promise<void>][] = [
  ['the queue', '#/', (page) => expect(row(page, 405)).toBeVisible()],
  [
    'a queue that waits',
    '#/',
    async (page) => {
      await tell('paused/paused%20while%20Plex%20Transcoder%20runs');
      await page.reload();
      await expect(page.getByRole('button', { name: 'Work now' })).toBeVisible();
    },
  ],
  [
    'a queue that works outside its hours',
    '#/',
    async (page) => {
      await tell('paused/paused%20by%20schedule%20until%2022:00');
      await page.reload();
      await page.getByRole('button', { name: 'Work now' }).click();
      await expect(page.getByRole('button', { name: 'Back to the schedule' })).toBeVisible();
    },
  ],
  [
    'a source that is played beside',
    '#/jobs/390',
    async (page) => {
      await page.getByRole('button', { name: 'Play', exact: true }).click();
      await page.getByRole('button', { name: 'Beside the source' }).click();
      await expect.poll(() => page.locator('video').last().evaluate((video: HTMLVideoElement) => video.readyState)).toBeGreaterThan(1);
    },
  ],
  ['done jobs', '#/done', (page) => expect(row(page, 390)).toBeVisible()],
  ['a running job', '#/jobs/405', (page) => expect(page.getByText('about 4 h 50 min left')).toBeVisible()],
  ['a failed job', '#/jobs/398', (page) => expect(page.getByText('Why it failed')).toBeVisible()],
  ['a job that is done', '#/jobs/390', (page) => expect(page.getByText('In the source')).toBeVisible()],
  ['a job that is not there', '#/jobs/99', (page) => expect(page.getByText('This job is not there')).toBeVisible()],
  [
    'the keys',
    '#/',
    async (page) => {
      await expect(row(page, 405)).toBeVisible();
      await page.keyboard.press('?');
      await expect(page.getByRole('dialog')).toBeVisible();
    },
  ],
  [
    'a menu',
    '#/',
    async (page) => {
      await page.getByRole('button', { name: 'More for Night skyline.mpg' }).click();
      await expect(page.getByRole('menuitem').first()).toBeFocused();
    },
  ],
  [
    'a question',
    '#/jobs/398',
    async (page) => {
      await page.getByRole('button', { name: 'More for Harbour 1991.vob' }).click();
      await page.getByRole('menuitem', { name: 'Cancel…' }).click();
      await expect(page.getByRole('alertdialog')).toBeVisible();
    },
  ],
  ['a choice of files', '#/new', (page) => expect(page.getByText('Canal 1998.avi')).toBeVisible()],
  [
    'a new job',
    '#/new',
    async (page) => {
      await tell('model/realesr-animevideov3');
      await page.getByRole('button', { name: 'Show more' }).click();
      await page.getByRole('button', { name: /Waiting/ }).click();
      await page.getByText('More', { exact: true }).click();
      await expect(page.getByText('about 25 min', { exact: true })).toBeVisible();
      await page.getByRole('button', { name: 'Add to the queue' }).click();
      await expect(page.getByRole('button', { name: 'Make both' })).toBeVisible();
    },
  ],
  [
    'the settings',
    '#/settings',
    async (page) => {
      await page.getByRole('textbox', { name: 'Quality, CRF' }).fill('99');
      await page.locator('summary').getByText('films', { exact: true }).click();
      await tell('by-hand/fault');
      await page.getByRole('button', { name: 'Save' }).click();
      await expect(page.getByText(/changed by another hand/)).toBeVisible();
    },
  ],
  [
    'wrong settings',
    '#/settings',
    async (page) => {
      await page.getByRole('textbox', { name: 'Quality, CRF' }).fill('99');
      await page.getByRole('button', { name: 'Add a webhook' }).click();
      await page.locator('input[type="file"][accept]').setInputFiles([{ name: 'cut.pth', mimeType: '', buffer: Buffer.alloc(10) }]);
      await page.getByRole('button', { name: 'Save' }).click();
      await expect(page.getByText(/crf = 99 cannot be/)).toBeVisible();
      await expect(page.getByText(/a webhook needs its address/)).toBeVisible();
      await expect(page.getByText(/cut.pth was not added/)).toBeVisible();
    },
  ],
  ['the log', '#/log', (page) => expect(page.getByText(/400 of 754/)).toBeVisible()],
  ['the account', '#/account', (page) => expect(page.getByText('There are no tokens.')).toBeVisible()],
  [
    'signing in',
    '#/',
    async (page) => {
      await tell('password/secret');
      await page.getByLabel('Owner’s password').fill('wrong');
      await page.keyboard.press('Enter');
      await expect(page.getByRole('alert')).toHaveText('This is not the password of the owner.');
    },
  ],
  [
    'uploads',
    '#/',
    async (page) => {
      await expect(row(page, 405)).toBeVisible();
      await tell('hold/1000');
      const files = ['.hidden.mkv', 'film.mkv', 'next.mkv'].map((name) => ({ name, mimeType: '', buffer: Buffer.alloc(2_000_000) }));
      await page.locator('input[type="file"]').setInputFiles(files);
      await expect(page.locator('.upload').getByText('it begins with a dot')).toBeVisible();
      await expect(page.getByText(/of 2 MB/)).toBeVisible();
    },
  ],
  [
    'a selection',
    '#/done',
    async (page) => {
      await page.getByLabel('Select Roofs.mp4').click();
      await expect(page.getByText('1 selected')).toBeVisible();
    },
  ],
  [
    'no answer',
    '#/',
    async (page) => {
      await expect(row(page, 405)).toBeVisible();
      await tell('offline');
      await expect(page.getByText(/No answer from the server since/)).toBeVisible();
    },
  ],
];

for (const width of [1440, 390]) {
  test.describe(`at ${width} pixels`, () => {
    test.use({ viewport: { width, height: 900 } });
    for (const [name, hash, prepare] of views) {
      test(`axe finds nothing in ${name}, light or dark`, async ({ page }) => {
        await open(page, hash);
        await prepare(page);
        for (const colorScheme of ['light', 'dark'] as const) {
          // Colours that are on their way to another scheme are none that anyone reads.
          await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
          expect(await found(page)).toEqual([]);
        }
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        expect(overflow).toBeLessThanOrEqual(0);
      });
    }
  });
}

test.describe('without jobs', () => {
  test.use({ world: 'empty' });

  test('axe finds nothing in the first visit', async ({ page }) => {
    await open(page);
    await expect(page.getByText('/srv/upscaled/input')).toBeVisible();
    expect(await found(page)).toEqual([]);
  });

  test('axe finds nothing in an empty log', async ({ page }) => {
    await open(page, '#/log');
    await expect(page.getByText('Nothing was logged yet.')).toBeVisible();
    expect(await found(page)).toEqual([]);
  });
});
