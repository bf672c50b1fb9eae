// What every page can do with a script, and does without: a choice of colours, and copying.
const root = document.documentElement;
const DARK = matchMedia('(prefers-color-scheme: dark)');
const stored = kept(() => localStorage.getItem('theme'));
if (stored === 'dark' || stored === 'light') root.dataset.kernTheme = stored;

// Browsers that keep nothing for sites refuse even the question
function kept(act) {
  try {
    return act();
  } catch {
    return null;
  }
}

const isDark = () => (root.dataset.kernTheme ?? (DARK.matches ? 'dark' : 'light')) === 'dark';

for (const button of document.querySelectorAll('[data-theme-switch]')) {
  const tell = () => button.setAttribute('aria-pressed', String(isDark()));
  button.hidden = false;
  tell();
  button.addEventListener('click', () => {
    root.dataset.kernTheme = isDark() ? 'light' : 'dark';
    kept(() => localStorage.setItem('theme', root.dataset.kernTheme));
    tell();
    dispatchEvent(new Event('themechange'));
  });
}

for (const button of document.querySelectorAll('[data-copy]')) {
  if (!navigator.clipboard) continue;
  button.hidden = false;
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent);
    button.querySelector('.kern-label').textContent = button.dataset.done;
    button.nextElementSibling.textContent = button.dataset.done;
  });
}

// A map is fetched when it is about to be seen
const coming = new IntersectionObserver((entries) => {
  for (const { isIntersecting, target } of entries) {
    if (!isIntersecting) continue;
    coming.unobserve(target);
    const style = Object.assign(document.createElement('link'), { rel: 'stylesheet', href: target.dataset.style });
    style.addEventListener('load', () => import(target.dataset.script));
    document.head.append(style);
  }
}, { rootMargin: '200px' });
for (const figure of document.querySelectorAll('figure[data-script]')) coming.observe(figure);
