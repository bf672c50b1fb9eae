// Draws the lines of a table beside it. The table is the content; who sees no chart misses nothing.
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

for (const figure of document.querySelectorAll('figure[data-chart]')) draw(figure);

function draw(figure) {
  const canvas = figure.querySelector('.canvas');
  canvas.hidden = false;
  const rows = [...figure.querySelectorAll('tbody tr')];
  const number = (cell) => (cell.dataset.value === '' ? null : Number(cell.dataset.value));
  const times = rows.map((row) => Date.parse(row.querySelector('time').dateTime) / 1000);
  const series = [0, 1].map((n) => rows.map((row) => number(row.querySelectorAll('[data-value]')[n])));
  const { lang } = document.documentElement;
  const zone = figure.dataset.zone;
  const day = new Intl.DateTimeFormat(lang, { weekday: 'short', day: 'numeric', month: 'numeric', timeZone: zone });
  const moment = new Intl.DateTimeFormat(lang, { weekday: 'short', hour: '2-digit', minute: '2-digit', timeZone: zone });
  const amount = new Intl.NumberFormat(lang, { maximumFractionDigits: 1 });
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const text = (_u, value) => (value == null ? '–' : amount.format(value));
  let plot;

  const paint = () => {
    plot?.destroy();
    const [ink, line, action, muted] = ['--ink', '--line', '--action', '--muted'].map(colour);
    const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line }, font: '13px "Fira Sans", sans-serif' };
    plot = new uPlot(
      {
        width: canvas.clientWidth - 16,
        height: 280,
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone),
        axes: [
          { ...axis, space: 70, values: (_u, splits) => splits.map((seconds) => day.format(seconds * 1000)) },
          { ...axis, size: 64, values: (_u, splits) => splits.map((value) => amount.format(value)) },
        ],
        series: [
          { label: figure.dataset.time, value: (_u, seconds) => (seconds == null ? '–' : moment.format(seconds * 1000)) },
          { label: figure.dataset.now, stroke: action, width: 2, value: text, points: { show: false } },
          { label: figure.dataset.before, stroke: muted, width: 2, dash: [6, 5], value: text, points: { show: false } },
        ],
      },
      [times, ...series],
      canvas,
    );
  };
  paint();
  new ResizeObserver(() => plot.setSize({ width: canvas.clientWidth - 16, height: 280 })).observe(canvas);
  for (const event of ['themechange', 'change']) {
    (event === 'change' ? matchMedia('(prefers-color-scheme: dark)') : window).addEventListener(event, paint);
  }
  document.fonts.ready.then(paint);
}
