import { expect, open, row, tell, test } from './server';

const PASSWORD = 'a long password';

test('a server with a password shows nothing before it, and then the view that was asked for', async ({ page }) => {
  await tell(`password/${PASSWORD}`);
  await page.goto('/#/jobs/390');
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await expect(page).toHaveTitle('Sign in, upscaled');
  await expect(page.getByLabel('Owner’s password')).toBeFocused();
  await expect(page.getByRole('navigation')).toHaveCount(0);
  await expect(page.getByText('No answer from the server')).toHaveCount(0);
  await page.keyboard.type('wrong');
  await page.keyboard.press('Enter');
  await expect(page.getByRole('alert')).toHaveText('This is not the password of the owner.');
  await page.getByLabel('Owner’s password').fill(PASSWORD);
  await page.keyboard.press('Enter');
  await expect(page.getByText('In the source')).toBeVisible();
  await expect(page.getByRole('navigation').first()).toBeVisible();
  await page.reload();
  await expect(page.getByText('In the source')).toBeVisible();
});

test('after too many wrong passwords the page says how long to wait', async ({ page }) => {
  await tell(`password/${PASSWORD}`);
  await tell('wait/2');
  await page.goto('/');
  await page.getByLabel('Owner’s password').fill(PASSWORD);
  await page.keyboard.press('Enter');
  await expect(page.getByRole('alert')).toHaveText('There were too many wrong passwords; try again in 2 s.');
  await expect(page.getByRole('button', { name: /^Wait \d s$/ })).toBeDisabled();
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(row(page, 405)).toBeVisible();
});

test('a session that ends loses nothing of what is typed', async ({ page }) => {
  await open(page, '#/done');
  await expect(row(page, 390)).toBeVisible();
  await page.getByLabel('Search by name or path').fill('roo');
  await tell(`password/${PASSWORD}`);
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await page.getByLabel('Owner’s password').fill(PASSWORD);
  await page.keyboard.press('Enter');
  await expect(page.getByLabel('Search by name or path')).toHaveValue('roo');
  await expect(page.getByLabel('Search by name or path')).toBeFocused();
  await expect(page.getByText('Roofs.mp4')).toBeVisible();
});

test('the owner signs out', async ({ page }) => {
  await tell(`password/${PASSWORD}`);
  await page.goto('/');
  await page.getByLabel('Owner’s password').fill(PASSWORD);
  await page.keyboard.press('Enter');
  await expect(row(page, 405)).toBeVisible();
  await page.getByRole('button', { name: 'Account' }).click();
  await page.getByRole('menuitem', { name: 'Sign out' }).click();
  await expect(page.getByRole('heading', { name: 'Sign in' })).toBeVisible();
  await expect(row(page, 405)).toBeHidden();
});

test('a server without a password that others reach says how one is set', async ({ page }) => {
  await tell('remote');
  await page.goto('/');
  await expect(page.getByRole('heading', { name: 'No password is set' })).toBeVisible();
  await expect(page.getByText('upscaled password', { exact: true })).toBeVisible();
});

test('a password is set where there is none, and changed afterwards', async ({ page }) => {
  await open(page);
  await page.getByRole('button', { name: 'Account' }).click();
  await page.getByRole('menuitem', { name: 'Set a password' }).click();
  await page.getByLabel('New password').fill(PASSWORD);
  await page.getByRole('button', { name: 'Set a password' }).click();
  await expect(page.locator('.notes').getByText('The password is set.')).toBeVisible();
  await page.getByLabel('Password that is set').fill('not it');
  await page.getByLabel('New password').fill('another password');
  await page.getByRole('button', { name: 'Change the password' }).click();
  await expect(page.getByRole('alert').first()).toHaveText('This is not the password of the owner.');
  await page.getByLabel('Password that is set').fill(PASSWORD);
  await page.getByRole('button', { name: 'Change the password' }).click();
  await expect(page.locator('.notes').getByText('The password is changed.')).toBeVisible();
});

test('a token is created, shown once, and revoked after a question', async ({ page, context }) => {
  await context.grantPermissions(['clipboard-read', 'clipboard-write']);
  await open(page, '#/account');
  await expect(page.getByText('There are no tokens.')).toBeVisible();
  await page.getByLabel('Name').fill('backup');
  await page.getByLabel('May').selectOption('read');
  await page.getByRole('button', { name: 'Create the token' }).click();
  const secret = page.getByLabel('Secret of backup');
  await expect(secret).toBeFocused();
  await page.getByRole('button', { name: 'Copy' }).click();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(await secret.inputValue());
  await expect(page.getByText(/May look at everything but settings, the log and tokens\. Created today, .*, never used\./)).toBeVisible();
  await page.getByLabel('Name').fill('backup');
  await page.getByRole('button', { name: 'Create the token' }).click();
  await expect(page.getByText('There is a token backup already.')).toBeVisible();
  await page.reload();
  await expect(page.getByRole('button', { name: 'Revoke backup' })).toBeVisible();
  await expect(secret).toHaveCount(0);
  await page.getByRole('button', { name: 'Revoke backup' }).click();
  await expect(page.getByRole('button', { name: 'Keep it' })).toBeFocused();
  await page.getByRole('button', { name: 'Revoke the token' }).click();
  await expect(page.getByText('There are no tokens.')).toBeVisible();
});
