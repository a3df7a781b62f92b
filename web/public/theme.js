// Before the first paint: the theme that was chosen here, so that the page does not flash.
try {
  const theme = localStorage.getItem('upscaled.theme');
  if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme;
} catch {
  // Without storage the theme is that of the system.
}
