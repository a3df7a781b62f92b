import { expect, open, tell, test } from './server';

test('the log is followed, and not while one reads further up', async ({ page }) => {
  await open(page, '#/log');
  const list = page.getByRole('log');
  await expect(list.getByText(/458 of 754/)).toBeInViewport();
  await tell('log/a%20new%20line');
  await expect(list.getByText('a new line')).toBeInViewport();
  await list.evaluate((box) => box.scrollTo(0, 0));
  await tell('log/another');
  await tell('log/one%20more');
  const pill = page.getByRole('button', { name: '2 new lines' });
  await expect(pill).toBeVisible();
  await expect(list.getByText(/400 of 754/)).toBeInViewport();
  await pill.click();
  await expect(list.getByText('one more')).toBeInViewport();
  await expect(pill).toHaveCount(0);
});

test('a level shows those lines alone, and control characters do nothing', async ({ page }) => {
  await open(page, '#/log');
  await page.getByLabel('Shown').selectOption('Errors');
  await expect(page.getByRole('listitem').filter({ hasText: 'Error' })).toHaveCount(3);
  await expect(page.getByRole('log').getByText(/running/)).toHaveCount(0);
  await expect(page.getByText(/\\u\{1b\}\[2J/).first()).toBeVisible();
});

test('a log that cannot be read says why', async ({ page }) => {
  await tell('break/log');
  await open(page, '#/log');
  await expect(page.getByText('The log could not be loaded: the server failed; its log says why.')).toBeVisible();
  await tell('break/');
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(page.getByText(/458 of 754/)).toBeVisible();
});
