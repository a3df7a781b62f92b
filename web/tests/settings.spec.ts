import { expect, open, tell, test } from './server';

test('a change is seen, saved, and holds', async ({ page }) => {
  await open(page, '#/settings');
  await expect(page.getByRole('textbox', { name: 'Quality, CRF' })).toHaveValue('18');
  await expect(page.getByRole('region', { name: /unsaved/ })).toHaveCount(0);
  await page.getByRole('textbox', { name: 'Quality, CRF' }).fill('20');
  await page.getByRole('textbox', { name: 'Film grain' }).fill('0,1');
  await page.getByRole('switch', { name: 'Keep colours of wide areas' }).click();
  await expect(page.getByText('3 unsaved changes')).toBeVisible();
  await expect(page.getByText('changed', { exact: true })).toHaveCount(3);
  const [asked] = await Promise.all([page.waitForRequest((request) => request.method() === 'PATCH'), page.getByRole('button', { name: 'Save' }).click()]);
  expect(asked.postDataJSON()).toEqual({ crf: 20, grain: 0.1, anchor: true });
  expect(asked.headers()['if-match']).toBe('"1"');
  await expect(page.getByText('The settings are saved and hold from now on.').first()).toBeVisible();
  await expect(page.getByText('3 unsaved changes')).toHaveCount(0);
});

test('what is wrong stands beside its field, which gets the focus', async ({ page }) => {
  await open(page, '#/settings');
  const crf = page.getByRole('textbox', { name: 'Quality, CRF' });
  await crf.fill('99');
  await crf.press('Enter');
  await expect(page.getByText('crf = 99 cannot be: choose a number from 0 (best) to 51')).toBeVisible();
  await expect(crf).toBeFocused();
  await expect(page.getByText('crf = 99 cannot be')).toBeInViewport();
  await expect(crf).toHaveAttribute('aria-invalid', 'true');
  await page.getByRole('button', { name: 'Discard' }).click();
  await expect(crf).toHaveValue('18');
  await expect(page.getByText(/cannot be/)).toHaveCount(0);
});

test('folders and presets are added, edited and removed', async ({ page }) => {
  await open(page, '#/settings');
  await page.getByLabel('Name of a new preset').fill('series');
  await page.getByRole('button', { name: 'Add a preset' }).click();
  await page.getByRole('combobox', { name: 'Size of the picture' }).last().selectOption('Rows');
  await page.getByRole('button', { name: 'Add a folder' }).click();
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText(/a folder has no path/)).toBeVisible();
  await expect(page.getByLabel('Folder', { exact: true }).last()).toBeFocused();
  await page.keyboard.type('/media/series');
  await page.getByLabel('Preset', { exact: true }).last().selectOption('series');
  await page.getByLabel('Not these').first().fill('Extras/');
  const [asked] = await Promise.all([page.waitForRequest((request) => request.method() === 'PATCH'), page.getByRole('button', { name: 'Save' }).click()]);
  expect(asked.postDataJSON()).toEqual({
    presets: { series: { height: 1080 } },
    folders: [
      { was: 0, path: '/media/films', preset: 'films', exclude: ['Extras/'] },
      { path: '/media/series', preset: 'series' },
    ],
  });
  await page.getByRole('button', { name: 'Remove /media/films' }).click();
  const [removed] = await Promise.all([page.waitForRequest((request) => request.method() === 'PATCH'), page.getByRole('button', { name: 'Save' }).click()]);
  expect(removed.postDataJSON()).toEqual({ folders: [{ was: 1, path: '/media/series', preset: 'series' }] });
});

test('what the command line sets cannot be changed, and what needs a restart says so', async ({ page }) => {
  await open(page, '#/settings');
  await expect(page.getByLabel('Threads')).toBeDisabled();
  await expect(page.getByText('The command line of the server decides: 8.')).toBeVisible();
  await expect(page.getByLabel('Open videos without a sandbox')).toBeDisabled();
  await page.getByLabel('Names of this server').fill('films.example.org');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText('From the next start on: hosts.').first()).toBeVisible();
  await expect(page.getByText('From the next start of the server on:')).toBeVisible();
});

test('a change by another hand is no loss for either', async ({ page }) => {
  await open(page, '#/settings');
  await page.getByRole('textbox', { name: 'Quality, CRF' }).fill('20');
  await tell('by-hand/scale');
  await page.evaluate(() => window.scrollTo(0, document.body.scrollHeight));
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.getByText(/changed by another hand meanwhile/)).toBeInViewport();
  await expect(page.getByRole('textbox', { name: 'Quality, CRF' })).toHaveValue('20');
  await page.getByRole('button', { name: 'Read it again' }).click();
  await expect(page.getByText('scale: 2 → 3')).toBeVisible();
  await page.getByRole('button', { name: 'Take it up' }).click();
  await expect(page.getByText('scale: 2 → 3')).toHaveCount(0);
});

test('unsaved changes stay while one looks elsewhere', async ({ page }) => {
  await open(page, '#/settings');
  await page.getByRole('textbox', { name: 'Quality, CRF' }).fill('20');
  await page.getByRole('navigation').first().getByRole('link', { name: 'Queue' }).click();
  await expect(page.getByRole('navigation').first().getByLabel('1 unsaved change')).toBeVisible();
  await page.getByRole('navigation').first().getByRole('link', { name: 'Settings' }).click();
  await expect(page.getByRole('textbox', { name: 'Quality, CRF' })).toHaveValue('20');
});

test('the machine shows what really works', async ({ page }) => {
  await open(page, '#/settings');
  const machine = page.getByRole('region', { name: 'This machine' });
  await expect(machine.getByText('cpu (avx2, 8 threads)')).toBeVisible();
  await expect(machine.getByRole('listitem').filter({ hasText: 'libx264' })).toContainText('Works');
  await expect(machine.getByRole('listitem').filter({ hasText: 'realesr-general-x4v3' })).toContainText('usual');
  await expect(machine.getByText('Does not work').first()).toBeVisible();
  await tell('break/encoders');
  await page.reload();
  await expect(machine.getByText('The machine could not be looked at: the server failed; its log says why.')).toBeVisible();
  await tell('break/');
  await machine.getByRole('button', { name: 'Try again' }).click();
  await expect(machine.getByText('Does not work').first()).toBeVisible();
});
