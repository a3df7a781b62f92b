// What is chosen in this browser: the theme, and whether single letters are keys.

export type Theme = 'system' | 'light' | 'dark';
const THEMES: readonly Theme[] = ['system', 'light', 'dark'];

function read(name: string): string | null {
  try {
    return localStorage.getItem(`upscaled.${name}`);
  } catch {
    return null;
  }
}

function write(name: string, value: string): void {
  try {
    localStorage.setItem(`upscaled.${name}`, value);
  } catch {
    // Without storage the choice holds as long as the page.
  }
}

export class Choices {
  theme = $state<Theme>(THEMES.find((theme) => theme === read('theme')) ?? 'system');
  hasLetterKeys = $state(read('letters') !== 'off');

  nextTheme(): void {
    this.theme = THEMES[(THEMES.indexOf(this.theme) + 1) % THEMES.length] ?? 'system';
    write('theme', this.theme);
    if (this.theme === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = this.theme;
  }

  setLetterKeys(isOn: boolean): void {
    this.hasLetterKeys = isOn;
    write('letters', isOn ? 'on' : 'off');
  }
}
