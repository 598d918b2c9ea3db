// The page's style sheet: one column, both themes, down to a phone's width.
export const STYLE = `:root {
  color-scheme: light dark;
  --ground: light-dark(#fdfcfa, #16181c);
  --card: light-dark(#ffffff, #1e2127);
  --text: light-dark(#1d2025, #e7e9ee);
  --muted: light-dark(#5a616c, #a5acb9);
  --line: light-dark(#dcdad4, #363b45);
  --accent: light-dark(#b3400f, #ff9a62);
  --job: light-dark(#9c350a, #7a2c0c);
  --instance: light-dark(#1d5c8a, #1c4d73);
  --badge: light-dark(#e8e6e0, #343943);
  --failed: light-dark(#b3161b, #a3181d);
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--text); font: 1rem/1.5 system-ui, sans-serif; }
header { border-bottom: 1px solid var(--line); background: var(--card); }
header > div, main { max-width: 70rem; margin: 0 auto; padding: 0.75rem 1rem; }
header > div { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; align-items: baseline; }
header strong { font-size: 1.1rem; margin-right: auto; }
nav { display: flex; gap: 1.25rem; }
a { color: var(--accent); }
nav a { padding: 0.25rem 0; text-decoration: none; border-bottom: 2px solid transparent; }
nav a:hover { text-decoration: underline; }
nav a[aria-current] { color: var(--text); font-weight: 600; border-bottom-color: var(--accent); }
h1 { font-size: 1.25rem; margin: 0.75rem 0; }
h2 { font-size: 1.05rem; margin: 1.5rem 0 0.5rem; }
.bar { display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: center; margin: 0.75rem 0; }
.bar form { display: flex; gap: 0.5rem; flex: 1 1 16rem; }
input { flex: 1; min-width: 0; font: inherit; padding: 0.35rem 0.6rem; border: 1px solid var(--line); border-radius: 0.4rem; background: var(--card); color: inherit; }
button { font: inherit; padding: 0.35rem 0.8rem; border: 1px solid var(--line); border-radius: 0.4rem; background: var(--card); color: inherit; cursor: pointer; }
button.danger { border-color: var(--failed); color: light-dark(#b3161b, #ff8b8f); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px; }
details.group { background: var(--card); border: 1px solid var(--line); border-radius: 0.5rem; margin: 0.5rem 0; }
details.group > summary { padding: 0.6rem 0.9rem; }
.inside { padding: 0 0.9rem 0.9rem; }
summary { cursor: pointer; overflow-wrap: anywhere; }
summary:hover { background: color-mix(in srgb, var(--accent) 7%, transparent); }
details.family { border-top: 1px solid var(--line); }
details.family > summary { padding: 0.5rem 0.25rem; }
.name { font: 0.95rem ui-monospace, monospace; font-weight: 600; }
.help, .when { color: var(--muted); font-size: 0.9rem; }
.when { display: block; }
.badge { display: inline-block; padding: 0.05rem 0.5rem; margin: 0.1rem 0.15rem 0.1rem 0; border-radius: 0.35rem; background: var(--badge); font: 0.85rem/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
.badge.job { background: var(--job); color: #fff; }
.badge.instance { background: var(--instance); color: #fff; }
.badge.failed { background: var(--failed); color: #fff; font-family: inherit; font-weight: 600; }
.badge.type { font-family: inherit; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: 0.9rem; }
th, td { text-align: left; padding: 0.35rem 0.6rem; border-top: 1px solid var(--line); vertical-align: top; overflow-wrap: anywhere; }
th { font-weight: 600; color: var(--muted); white-space: nowrap; }
td.value { font: 0.9rem ui-monospace, monospace; overflow-wrap: normal; }
.status th { width: 18rem; }
.status td { overflow-wrap: anywhere; }
table table { width: auto; font: 0.85rem ui-monospace, monospace; }
table table td, table table th { padding: 0.1rem 0.75rem 0.1rem 0; border: 0; white-space: nowrap; }
dialog { border: 1px solid var(--line); border-radius: 0.6rem; background: var(--card); color: inherit; max-width: min(32rem, 92vw); padding: 1.25rem; overflow-wrap: anywhere; }
dialog::backdrop { background: rgb(0 0 0 / 0.5); }
dialog [role=alert]:empty { display: none; }
dialog .bar { justify-content: flex-end; margin-bottom: 0; }
.note { color: var(--muted); }
.empty { text-align: center; padding: 3rem 1rem; color: var(--muted); }
@media (max-width: 40rem) {
  th, td { padding: 0.3rem 0.4rem; }
  .status th, .status td { display: block; border: 0; padding: 0.1rem 0; }
  .status tr { display: block; border-top: 1px solid var(--line); padding: 0.35rem 0; }
}
`;
