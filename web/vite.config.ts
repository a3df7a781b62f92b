import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';

// The page loads nothing from elsewhere and has no scripts or styles in its HTML, so that the server's policy can forbid them.
export default defineConfig({
  base: './',
  plugins: [svelte()],
  build: {
    target: ['chrome123', 'firefox121', 'safari17.5'],
    assetsInlineLimit: 0,
    cssCodeSplit: false,
    modulePreload: false,
  },
});
