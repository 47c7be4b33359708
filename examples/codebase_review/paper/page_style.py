"""The style sheet of the HTML report: light and dark, screen and paper."""

from typing import Final

STYLE: Final = """
:root { color-scheme: light dark; --bg: #fbfaf8; --card: #ffffff; --ink: #1d2430; --soft: #5c6675; --line: #e2e0da;
  --accent: #2c6e8f; --good: #3d8b5f; --warn: #c98a1b; --bad: #bf3f3f; --muted: #9aa3ae; --codebg: #f0eee8;
  --k1: #2c6e8f; --k2: #6aa3a0; --k3: #c9a227; --k4: #8d6a9f; --k5: #d07c4a; --k6: #a3a9b2; }
@media (prefers-color-scheme: dark) { :root { --bg: #14181f; --card: #1c222b; --ink: #e6e9ee; --soft: #9ba6b4;
  --line: #303844; --accent: #6db3d3; --good: #6cc093; --warn: #e2b04f; --bad: #e87b7b; --muted: #6d7785;
  --codebg: #262e39; --k1: #6db3d3; --k2: #7fc2ba; --k3: #dcbc52; --k4: #b395c6; --k5: #e29a6d; --k6: #7d8795; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--bg); color: var(--ink); font: 16px/1.55 system-ui, sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .6rem; overflow-wrap: anywhere; }
h2 { font-size: 1.3rem; margin: 0 0 .8rem; }
p, li { max-width: 48rem; overflow-wrap: anywhere; }
.lead { font-size: 1.15rem; margin: 0 0 1rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: 0;
  color: var(--soft); font-size: .88rem; }
dt, dd { margin: 0; overflow-wrap: anywhere; }
nav { display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; margin: 1.2rem 0 0; font-size: .92rem; }
nav a { color: var(--accent); }
section { background: var(--card); border: 1px solid var(--line); border-radius: 10px;
  padding: 1.4rem 1.5rem; margin-top: 1.4rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .8rem; margin: 0 0 1.2rem; }
.tile { border: 1px solid var(--line); border-left: 4px solid var(--muted); border-radius: 8px; padding: .6rem .8rem; }
.tile b { display: block; font-size: 1.5rem; line-height: 1.2; font-variant-numeric: tabular-nums; }
.tile span { color: var(--soft); font-size: .85rem; }
.tile.good { border-left-color: var(--good); } .tile.warn { border-left-color: var(--warn); }
.tile.bad { border-left-color: var(--bad); }
figure { margin: 1.4rem 0; } figcaption, h3, summary { font-weight: 600; font-size: .95rem; }
figcaption { margin-bottom: .6rem; }
h3 { margin: 1.4rem 0 .3rem; }
summary { cursor: pointer; color: var(--accent); margin: .6rem 0; }
.wide { overflow-x: auto; margin: 0 0 1.2rem; }
table { border-collapse: separate; border-spacing: 0; width: 100%; font-size: .9rem; }
th, td { padding: .32rem .7rem .32rem 0; border-bottom: 1px solid var(--line); text-align: left; vertical-align: top; }
th { color: var(--soft); font-weight: 600; }
td { overflow-wrap: anywhere; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
code { background: var(--codebg); border-radius: 4px; padding: .05rem .3rem;
  font: .88em ui-monospace, Menlo, Consolas, monospace; }
.badge { border-radius: 99px; padding: .05rem .55rem; font-size: .8rem; border: 1px solid currentColor;
  white-space: nowrap; }
.badge.good { color: var(--good); } .badge.warn { color: var(--warn); } .badge.bad { color: var(--bad); }
.badge.muted { color: var(--soft); }
svg.chart { display: block; width: 100%; height: auto; max-width: 46rem; font: 12px system-ui, sans-serif; }
svg .label { fill: var(--soft); } svg .value { fill: var(--ink); } svg .axis { stroke: var(--line); }
svg .end { text-anchor: end; } svg .middle { text-anchor: middle; }
svg .accent { fill: var(--accent); } svg .good { fill: var(--good); } svg .warn { fill: var(--warn); }
svg .bad { fill: var(--bad); } svg .muted { fill: var(--muted); }
svg .k1 { fill: var(--k1); } svg .k2 { fill: var(--k2); } svg .k3 { fill: var(--k3); } svg .k4 { fill: var(--k4); }
svg .k5 { fill: var(--k5); } svg .k6 { fill: var(--k6); }
@media print { section { break-inside: avoid; border: 0; padding: 0; } nav { display: none; } }
"""
