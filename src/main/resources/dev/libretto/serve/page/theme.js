// Sets the theme before the page is drawn: the one that was chosen, else the system's.
(() => {
  const system = matchMedia('(prefers-color-scheme: dark)');
  let chosen = null;
  try {
    chosen = localStorage.getItem('theme');
  } catch {
    // The browser keeps nothing; a choice lasts until the page is left.
  }
  const apply = () => {
    const isKnown = chosen === 'light' || chosen === 'dark';
    document.documentElement.dataset.theme = isKnown ? chosen : system.matches ? 'dark' : 'light';
    document.dispatchEvent(new Event('themechange'));
  };
  system.addEventListener('change', apply);
  document.addEventListener('click', event => {
    if (!event.target.closest('#theme')) return;
    chosen = document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark';
    try {
      localStorage.setItem('theme', chosen);
    } catch {
      // As above.
    }
    apply();
  });
  apply();
})();
