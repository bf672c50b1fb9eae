// The explorer: GraphiQL on this node's own API. The token stays in memory; nothing is loaded from elsewhere.
import { GraphiQL } from 'graphiql';
import { HISTORY_PLUGIN } from '@graphiql/plugin-history';
import { explorerPlugin } from '@graphiql/plugin-explorer';
import { createElement as h, useEffect, useRef, useState } from 'react';
import { createRoot } from 'react-dom/client';
import 'graphiql/style.css';
import '@graphiql/plugin-explorer/style.css';
import '@graphiql/plugin-history/style.css';
import './explorer.css';
import { editor } from 'monaco-graphql/esm/monaco-editor.js';
import { TabFocus } from 'monaco-editor/esm/vs/editor/browser/config/tabFocus.js';
import { THEMES, nameOf } from './editor-theme.js';
import { readToken } from './token.js';

globalThis.MonacoEnvironment = {
  getWorker: (_id, label) =>
    new Worker(new URL(WORKERS[label] ?? WORKERS.editor, import.meta.url), { type: 'module' }),
};

const place = document.getElementById('explorer');
const words = JSON.parse(document.getElementById('explorer-words').textContent);
const asked = new URLSearchParams(location.search);
const { endpoint } = place.dataset;
// what was pasted, and what was asked last
const held = {
  token: null,
  params: null,
  learn(response) {
    const nonce = response.headers.get('DPoP-Nonce');
    if (!this.token || !nonce || nonce === this.token.nonce) return false;
    this.token.nonce = nonce;
    return true;
  },
};
const DARK = matchMedia('(prefers-color-scheme: dark)');
const theme = () => document.documentElement.dataset.kernTheme ?? (DARK.matches ? 'dark' : 'light');

async function send(params, headers) {
  const started = performance.now();
  const body = JSON.stringify(params);
  let response = await post(body, headers);
  if (response.status === 401 && held.learn(response)) response = await post(body, headers);
  held.learn(response);
  const answer = await response.json();
  if (params.operationName === 'IntrospectionQuery') return answer;
  held.params = params;
  dispatchEvent(new CustomEvent('answer', { detail: { answer, tookMs: performance.now() - started } }));
  return answer;
}

async function post(body, headers) {
  const authorization = held.token ? await held.token.headers() : {};
  const types = { 'Content-Type': 'application/json', Accept: 'application/json' };
  return fetch('/graphql', { method: 'POST', headers: { ...types, ...authorization, ...headers }, body });
}

// Set before the first editor is made: GraphiQL sets its theme once its parts are loaded, which may be too late
for (const [scheme, data] of Object.entries(THEMES)) editor.defineTheme(nameOf(scheme), data);
editor.setTheme(nameOf(theme()));
// Who has no mouse gets out of an editor by the tab key, as out of everything else
TabFocus.setTabFocusMode(true);

function Explorer() {
  const [shown, setShown] = useState(theme);
  useEffect(() => {
    const change = () => {
      setShown(theme());
      editor.setTheme(nameOf(theme()));
    };
    addEventListener('themechange', change);
    DARK.addEventListener('change', change);
    return () => {
      removeEventListener('themechange', change);
      DARK.removeEventListener('change', change);
    };
  }, []);
  return h(GraphiQL, {
    fetcher: (params, options) => send(params, options?.headers),
    plugins: [HISTORY_PLUGIN, explorerPlugin({ showAttribution: false })],
    defaultQuery: place.dataset.query,
    ...(asked.has('query') ? { initialQuery: asked.get('query') } : {}),
    ...(asked.has('variables') ? { initialVariables: asked.get('variables') } : {}),
    forcedTheme: shown,
    editorTheme: { light: nameOf('light'), dark: nameOf('dark') },
    shouldPersistHeaders: false,
    defaultEditorToolsVisibility: true,
  });
}

// One report per root field that can span cities
function reportsOf(answer) {
  return Object.entries(answer.data ?? {})
    .filter(([, value]) => value?.federation?.cities)
    .map(([name, value]) => [name, value.federation]);
}

function Report() {
  const [told, setTold] = useState(null);
  useEffect(() => {
    const listen = (event) => setTold(event.detail);
    addEventListener('answer', listen);
    return () => removeEventListener('answer', listen);
  }, []);
  if (!told) return h('p', { className: 'muted' }, words.noAnswer);
  const { answer, tookMs } = told;
  const cost = answer.extensions?.cost;
  const facts = [
    cost ? [words.cost, Object.entries(cost).map(([name, value]) => `${name} ${value}`).join(', ')] : null,
    [words.took, `${Math.round(tookMs)} ms`],
    [words.trace, answer.extensions?.traceId ?? '–'],
    answer.errors ? [words.errors, answer.errors.map((e) => `${e.extensions?.code}: ${e.message}`).join('; ')] : null,
  ].filter(Boolean);
  return h('div', null, [
    h('dl', { key: 'facts', className: 'explorer-facts' }, facts.map(([name, value]) =>
      h('div', { key: name }, [h('dt', { key: 1 }, name), h('dd', { key: 2 }, value)]))),
    ...reportsOf(answer).map(([name, report]) => h(Cities, { key: name, name, report })),
  ]);
}

function Cities({ name, report }) {
  const heads = [words.city, words.state, words.rows, words.took, words.reason];
  return h('div', { className: 'table', role: 'region', tabIndex: 0, 'aria-label': `${words.who} (${name})` }, h('table', null, [
    h('caption', { key: 1 }, `${words.who} (${name}): ${report.complete ? words.complete : words.gaps}`),
    h('thead', { key: 2 }, h('tr', null, heads.map((head) => h('th', { key: head, scope: 'col' }, head)))),
    h('tbody', { key: 3 }, report.cities.map((one) => h('tr', { key: one.city }, [
      h('th', { key: 1, scope: 'row' }, one.city),
      h('td', { key: 2 }, one.state ?? '–'),
      h('td', { key: 3 }, one.rows ?? '–'),
      h('td', { key: 4 }, one.tookMs == null ? '–' : `${one.tookMs} ms`),
      h('td', { key: 5 }, one.reason ?? ''),
    ]))),
  ]));
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function asCurl(params) {
  const lines = [`curl -s ${quoted(endpoint)}`, `-H 'Content-Type: application/json'`];
  const asked = [...lines, `-d ${quoted(JSON.stringify(params))}`].join(' \\\n  ') + '\n';
  return held.token ? `verbund token --node ${new URL(endpoint).origin} --client-id … --key … | \\\n  ${asked.replace('curl -s', 'curl -s -H @-')}` : asked;
}

function asPython(params) {
  const note = held.token ? '# Needs the headers Authorization and DPoP: `verbund token` prints them for one request\n' : '';
  return `${note}import json
import urllib.request

question = json.loads(${JSON.stringify(JSON.stringify(params))})
request = urllib.request.Request(
    ${JSON.stringify(endpoint)},
    json.dumps(question).encode(),
    {"Content-Type": "application/json"},
)
with urllib.request.urlopen(request, timeout=30) as answer:
    print(json.dumps(json.load(answer), indent=2, ensure_ascii=False))
`;
}

function wire() {
  const status = document.getElementById('explorer-status');
  const editor = () => document.querySelector('.graphiql-container');
  for (const [id, write] of [['copy-curl', asCurl], ['copy-python', asPython]]) {
    document.getElementById(id).addEventListener('click', async () => {
      if (!editor() || !held.params) return void (status.textContent = words.runFirst);
      const text = write(held.params);
      document.getElementById('copied').textContent = text;
      document.getElementById('copied-box').hidden = false;
      await navigator.clipboard?.writeText(text).catch(() => {});
      status.textContent = words.copied;
    });
  }
  const dialog = document.getElementById('token-dialog');
  document.getElementById('token-open').addEventListener('click', () => dialog.showModal());
  dialog.addEventListener('close', async () => {
    const input = document.getElementById('token');
    const told = document.getElementById('token-state');
    try {
      if (dialog.returnValue === 'use') held.token = await readToken(input.value, endpoint);
      if (dialog.returnValue === 'forget') held.token = null;
      told.textContent = held.token ? words.withToken : words.anonymous;
    } catch {
      told.textContent = words.badToken;
    }
    input.value = '';
  });
}

// GraphiQL leaves some controls without the attributes that assistive technology needs
function mend(root) {
  for (const one of root.querySelectorAll('[role=tablist]:not([aria-label])')) one.setAttribute('aria-label', words.tabs);
  // tabs that hold buttons are none: what is left is a list of buttons
  for (const one of root.querySelectorAll('.graphiql-tabs[role], .graphiql-tab[role]')) {
    one.removeAttribute('role');
    one.removeAttribute('aria-selected');
  }
  for (const one of root.querySelectorAll('textarea:not([aria-label])')) one.setAttribute('aria-label', words.editor);
}
const container = createRoot(place);
container.render(h(Explorer));
createRoot(document.getElementById('explorer-report')).render(h(Report));
new MutationObserver(() => mend(place)).observe(place, { childList: true, subtree: true });
wire();
