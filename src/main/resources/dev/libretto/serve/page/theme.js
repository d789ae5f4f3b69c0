// Sets the theme that was chosen before the page is drawn. Without a choice, the system's is used.
(() => {
  let chosen = null;
  try {
    chosen = localStorage.getItem('theme');
  } catch {
    // The browser keeps nothing; the choice lasts until the page is left.
  }
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
})();
