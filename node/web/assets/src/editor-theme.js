// The editor's colours: each has a contrast of 4.5 at least with the papers of the pages (WCAG 1.4.3), comments too.
const rules = (colours) => Object.entries(colours).map(([token, foreground]) => ({ token, foreground }));
const brackets = (...colours) =>
  Object.fromEntries(colours.map((colour, n) => [`editorBracketHighlight.foreground${n + 1}`, colour]));
const clear = '#ffffff00';

export const nameOf = (scheme) => `verbund-${scheme}`;

export const THEMES = {
  light: {
    base: 'vs',
    inherit: false,
    rules: rules({
      '': '1d2034',
      comment: '4f5673',
      keyword: '8a1a6b',
      string: '8a3b12',
      'string.key.json': '1b4f9c',
      'string.value.json': '8a3b12',
      number: '0b6b4f',
      type: '1b4f9c',
      variable: '1b4f9c',
      key: '1b4f9c',
      annotation: '8a1a6b',
      delimiter: '1d2034',
      'argument.identifier.gql': '5a3fa8',
    }),
    colors: {
      'editor.background': clear,
      'scrollbar.shadow': clear,
      'editorLineNumber.foreground': '#4f5673',
      ...brackets('#1d2034', '#1b4f9c', '#8a1a6b'),
    },
  },
  dark: {
    base: 'vs-dark',
    inherit: false,
    rules: rules({
      '': 'e6e8f2',
      comment: 'a9b3c9',
      keyword: 'f0a3d4',
      string: 'f0b892',
      'string.key.json': '9cc4ff',
      'string.value.json': 'f0b892',
      number: 'a5e0c4',
      type: '9cc4ff',
      variable: '9cc4ff',
      key: '9cc4ff',
      annotation: 'f0a3d4',
      delimiter: 'e6e8f2',
      'argument.identifier.gql': 'c3b5ff',
    }),
    colors: {
      'editor.background': clear,
      'scrollbar.shadow': clear,
      'editorLineNumber.foreground': '#a9b3c9',
      ...brackets('#e6e8f2', '#9cc4ff', '#f0a3d4'),
    },
  },
};
