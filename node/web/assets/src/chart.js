// Draws the table beside it, as lines or as bars: a column of times, and columns of numbers that their heads name.
// The table is the content; who sees no chart misses nothing.
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';

// steps of an axis that counts
const WHOLE = [...Array(12).keys()].flatMap((power) => [1, 2, 5].map((step) => step * 10 ** power));

for (const figure of document.querySelectorAll('figure[data-chart]')) draw(figure);

function draw(figure) {
  const canvas = figure.querySelector('.canvas');
  canvas.hidden = false;
  const number = (cell) => (cell.dataset.value === '' ? null : Number(cell.dataset.value));
  const timeOf = (row) => Date.parse(row.querySelector('time').dateTime) / 1000;
  const rows = [...figure.querySelectorAll('tbody tr')].sort((one, other) => timeOf(one) - timeOf(other));
  const times = rows.map(timeOf);
  const heads = [...figure.querySelectorAll('thead th')].map((head) => head.textContent);
  const series = heads.slice(1).map((_, n) => rows.map((row) => number(row.querySelectorAll('[data-value]')[n])));
  const bars = figure.dataset.chart === 'bars';
  const height = bars ? 220 : 280;
  const { lang } = document.documentElement;
  const zone = figure.dataset.zone;
  const format = (parts) => new Intl.DateTimeFormat(lang, { ...parts, timeZone: zone });
  const time = { hour: '2-digit', minute: '2-digit' };
  const date = { day: 'numeric', month: 'numeric' };
  // what stands at the axis, and beside the pointer
  const [tick, moment] = {
    slot: [{ weekday: 'short', ...date }, { weekday: 'short', ...time }],
    hour: [time, { ...date, ...time }],
    day: [date, { weekday: 'short', ...date }],
    month: [{ month: 'short', year: 'numeric' }, { month: 'long', year: 'numeric' }],
  }[figure.dataset.step].map(format);
  const amount = new Intl.NumberFormat(lang, { maximumFractionDigits: 1 });
  const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  const text = (_u, value) => (value == null ? '–' : amount.format(value));
  let plot;

  const paint = () => {
    plot?.destroy();
    const names = ['--ink', '--line', '--action', '--muted', '--kern-color-feedback-danger'];
    const [ink, line, action, muted, danger] = names.map(colour);
    const looks = bars
      ? [action, danger].map((fill) => ({ fill, stroke: fill, width: 0, paths: uPlot.paths.bars({ size: [0.7, 48] }) }))
      : [{ stroke: action, width: 2 }, { stroke: muted, width: 2, dash: [6, 5] }];
    const axis = { stroke: ink, grid: { stroke: line, width: 1 }, ticks: { stroke: line }, font: '13px "Fira Sans", sans-serif' };
    plot = new uPlot(
      {
        width: canvas.clientWidth - 16,
        height,
        scales: bars ? { y: { range: (_u, _low, high) => [0, Math.max(high, 1)] } } : {},
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), zone),
        axes: [
          { ...axis, space: 70, values: (_u, splits) => splits.map((seconds) => tick.format(seconds * 1000)) },
          { ...axis, size: 64, ...(bars ? { incrs: WHOLE } : {}), values: (_u, splits) => splits.map((value) => amount.format(value)) },
        ],
        series: [
          { label: heads[0], value: (_u, seconds) => (seconds == null ? '–' : moment.format(seconds * 1000)) },
          ...looks.map((look, n) => ({ label: heads[n + 1], value: text, points: { show: false }, ...look })),
        ],
      },
      [times, ...series],
      canvas,
    );
  };
  paint();
  new ResizeObserver(() => plot.setSize({ width: canvas.clientWidth - 16, height })).observe(canvas);
  for (const event of ['themechange', 'change']) {
    (event === 'change' ? matchMedia('(prefers-color-scheme: dark)') : window).addEventListener(event, paint);
  }
  document.fonts.ready.then(paint);
}
