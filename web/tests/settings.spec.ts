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

test('all that is wrong is marked, and the first of it gets the focus', async ({ page }) => {
  await open(page, '#/settings');
  await page.getByRole('button', { name: 'Add a folder' }).click();
  await page.getByRole('textbox', { name: 'Quality, CRF' }).fill('99');
  await page.getByRole('combobox', { name: 'Size of the picture' }).first().selectOption('Rows');
  await page.getByRole('textbox', { name: 'Rows' }).fill('99999');
  await page.getByRole('textbox', { name: 'Film grain' }).fill('7');
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(page.locator('.mistake')).toHaveText([/height = 99999 cannot be/, /grain = 7 cannot be/, /crf = 99 cannot be/, /a folder has no path/]);
  await expect(page.getByRole('combobox', { name: 'Size of the picture' }).first()).toBeFocused();
  await expect(page.locator('.settings > [role="alert"]')).toHaveCount(0);
});

test('what is left out of the work, and more options of the encoder, are set', async ({ page }) => {
  await open(page, '#/settings');
  await page.getByRole('textbox', { name: 'Denoising' }).fill('0.5');
  await page.getByRole('textbox', { name: 'More options of the encoder' }).fill('tune = film\nbf=3');
  await page.getByRole('switch', { name: 'Reuse what does not change' }).click();
  await page.getByRole('textbox', { name: 'Tolerance of reuse' }).fill('2');
  await page.getByRole('textbox', { name: 'Frames of a segment' }).fill('500');
  await page.locator('summary').getByText('films', { exact: true }).click();
  await page.getByRole('combobox', { name: 'Reuse what does not change' }).selectOption('on');
  const [asked] = await Promise.all([page.waitForRequest((request) => request.method() === 'PATCH'), page.getByRole('button', { name: 'Save' }).click()]);
  expect(asked.postDataJSON()).toEqual({
    denoise: 0.5,
    encoder_options: { tune: 'film', bf: '3' },
    reuse: false,
    reuse_tolerance: 2,
    segment_frames: 500,
    presets: { films: { reuse: true } },
  });
});

test('webhooks are changed without their secrets, added, tested and removed', async ({ page }) => {
  await open(page, '#/settings');
  const hooks = page.getByRole('region', { name: 'Webhooks' });
  const [phone, nas] = [hooks.getByRole('listitem').filter({ hasText: 'ntfy.sh' }), hooks.getByRole('listitem').filter({ hasText: 'nas.lan' })];
  await expect(phone.getByLabel('Secret', { exact: true })).toHaveAttribute('placeholder', 'set; empty keeps it');
  await expect(phone.getByLabel('Secret', { exact: true })).toHaveAttribute('type', 'password');
  await nas.getByRole('button', { name: 'Send a test' }).click();
  await expect(nas.getByRole('status')).toContainText('It did not arrive: `nas.lan` is 192.168.1.2');
  await nas.getByRole('switch', { name: 'In the home network' }).click();
  await expect(nas.getByRole('status')).toHaveText('A test goes to what is saved: save the changes first.');
  await expect(nas.getByRole('button', { name: 'Send a test' })).toBeDisabled();
  await phone.getByLabel('Events').fill('done\nfailed\npaused');
  await phone.getByLabel('Address', { exact: true }).fill('https://evil.org/x');
  await hooks.getByRole('button', { name: 'Add a webhook' }).click();
  await page.getByRole('button', { name: 'Save' }).click();
  await expect(phone.getByText(/give the secret again/)).toBeVisible();
  await expect(phone.getByLabel('Secret', { exact: true })).toBeFocused();
  await expect(hooks.getByText(/a webhook needs its address/)).toBeVisible();
  await phone.getByLabel('Address', { exact: true }).fill('');
  await hooks.getByRole('listitem').last().getByLabel('Address', { exact: true }).fill('https://b.org/topic');
  await hooks.getByRole('listitem').last().getByLabel('Secret', { exact: true }).fill('hidden');
  const save = () => Promise.all([page.waitForRequest((request) => request.method() === 'PATCH'), page.getByRole('button', { name: 'Save' }).click()]);
  const [asked] = await save();
  expect(asked.postDataJSON()).toEqual({
    webhooks: [
      { was: 0, format: 'ntfy', events: ['done', 'failed', 'paused'] },
      { was: 1, events: ['failed'], allow_private: true },
      { url: 'https://b.org/topic', secret: 'hidden' },
    ],
  });
  await nas.getByRole('button', { name: 'Send a test' }).click();
  await expect(nas.getByRole('status')).toHaveText('It arrived, with 200.');
  await phone.getByRole('button', { name: 'Take the secret away' }).click();
  await page.getByRole('button', { name: 'Remove https://b.org/…' }).click();
  await expect(hooks.getByRole('button', { name: 'Add a webhook' })).toBeFocused();
  const [removed] = await save();
  expect(removed.postDataJSON()).toEqual({
    webhooks: [
      { was: 0, format: 'ntfy', events: ['done', 'failed', 'paused'], secret: null },
      { was: 1, events: ['failed'], allow_private: true },
    ],
  });
  await expect(phone.getByLabel('Secret', { exact: true })).toHaveAttribute('placeholder', 'none');
});

test('models are chosen or dropped, and what is none is refused', async ({ page }) => {
  await open(page, '#/settings');
  const machine = page.getByRole('region', { name: 'This machine' });
  await expect(machine.getByRole('listitem').filter({ hasText: 'film-grain-x4' })).toBeVisible();
  const model = (name: string, bytes: number) => ({ name, mimeType: '', buffer: Buffer.alloc(bytes, 1) });
  await machine.locator('input[type="file"]').setInputFiles([model('mine-x2.pth', 1000), model('cut.pth', 10), model('half.safetensors', 1000)]);
  const mine = machine.getByRole('listitem').filter({ hasText: 'mine-x2' });
  await expect(mine).toContainText('a file in models/');
  await expect(mine).toContainText('Its licence is not known.');
  await expect(mine).toContainText('sha256:0badc0de');
  await expect(mine).toContainText('1 kB');
  await expect(machine.getByRole('status')).toContainText('cut.pth was not added: `cut.pth` cannot be used: the file is cut off.');
  await expect(machine.getByRole('status')).toContainText('half.safetensors was not added: there is a model `half` already: give the file another name.');
  await expect(page.getByText('mine-x2 can be chosen now.').first()).toBeVisible();
  await page.getByRole('combobox', { name: 'Model' }).first().selectOption('mine-x2');
  const data = await page.evaluateHandle(() => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([new Uint8Array(2000)], 'dropped-x4.safetensors'));
    return transfer;
  });
  await page.dispatchEvent('#h-machine', 'dragenter', { dataTransfer: data });
  await expect(page.getByText('Drop models to add them')).toBeVisible();
  await page.dispatchEvent('#h-machine', 'drop', { dataTransfer: data });
  await expect(machine.getByRole('listitem').filter({ hasText: 'dropped-x4' })).toContainText('2 kB');
  await expect(page.locator('.upload')).toHaveCount(0);
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
