"""How the page looks: light or dark as the reader's system, without anything to load."""

from __future__ import annotations

import base64
import hashlib

STYLE = """
:root {
  color-scheme: light dark;
  --ground: #f5f6f8; --card: #ffffff; --sunken: #f0f2f5; --line: #dde1e7; --ink: #1b2430; --soft: #5b6675;
  --link: #1f5fbf; --landed: #3b82c4; --failed: #d9541e; --stripe: #ffffff;
  --good: #17734a; --good-ground: #e2f3ea; --busy: #1f5fbf; --busy-ground: #e4edfb;
  --part: #8a5a00; --part-ground: #fdf0d2; --bad: #b3261e; --bad-ground: #fde7e4;
  --wait: #566070; --wait-ground: #e9ecf0; --odd: #7a3b9c; --odd-ground: #f2e6f8;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #12161c; --card: #1a2029; --sunken: #151a22; --line: #2e3743; --ink: #e6eaf0; --soft: #9aa6b5;
    --link: #84b6ff; --landed: #5aa2e0; --failed: #f0763f; --stripe: #1a2029;
    --good: #6fd3a3; --good-ground: #163526; --busy: #84b6ff; --busy-ground: #1a2d4b;
    --part: #f0c05a; --part-ground: #3a2d10; --bad: #ff9a8f; --bad-ground: #44201d;
    --wait: #a9b4c2; --wait-ground: #27303b; --odd: #d5a6ee; --odd-ground: #35234a;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; max-width: 1240px; padding: 24px 20px 48px; background: var(--ground); color: var(--ink);
  font: 14px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", Arial, sans-serif;
  font-variant-numeric: tabular-nums;
}
a { color: var(--link); text-decoration: none; }
a:hover { text-decoration: underline; }
a:focus-visible, summary:focus-visible { outline: 2px solid var(--link); outline-offset: 2px; border-radius: 3px; }
h1 { margin: 0; font-size: 20px; letter-spacing: -0.01em; }
h1 a { color: var(--ink); }
h2 { margin: 32px 0 10px; font-size: 16px; }
h3 { margin: 0; font-size: 15px; overflow-wrap: anywhere; }
h4 { margin: 18px 0 6px; font-size: 12px; font-weight: 600; color: var(--soft); }
code, .id {
  font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace;
  font-size: 12px;
}
.soft { color: var(--soft); }
header { display: flex; flex-wrap: wrap; gap: 6px 24px; align-items: baseline; justify-content: space-between; }
nav { display: flex; flex-wrap: wrap; gap: 4px; margin: 14px 0 0; }
nav a { padding: 3px 12px; border: 1px solid var(--line); border-radius: 999px; background: var(--card); }
nav a[aria-current] { background: var(--ink); border-color: var(--ink); color: var(--card); }
.tiles {
  display: grid; grid-template-columns: repeat(auto-fit, minmax(136px, 1fr)); gap: 10px;
  margin: 16px 0 0; padding: 0;
}
.tiles div { padding: 10px 14px; background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
.tiles dt { color: var(--soft); font-size: 12px; }
.tiles dd { margin: 0; font-size: 20px; font-weight: 600; line-height: 1.3; }
.tiles dd.alarm { color: var(--bad); }
.card {
  margin: 0 0 14px; padding: 16px 18px; background: var(--card); border: 1px solid var(--line);
  border-radius: 12px;
}
.head { display: flex; flex-wrap: wrap; gap: 4px 12px; align-items: center; }
.head .soft { font-size: 13px; }
.badge {
  display: inline-flex; gap: 5px; padding: 0 9px; border-radius: 999px; font-size: 12px;
  font-weight: 600; white-space: nowrap;
}
.badge { color: var(--tone); background: var(--tone-ground); }
.good { --tone: var(--good); --tone-ground: var(--good-ground); }
.busy { --tone: var(--busy); --tone-ground: var(--busy-ground); }
.part { --tone: var(--part); --tone-ground: var(--part-ground); }
.bad { --tone: var(--bad); --tone-ground: var(--bad-ground); }
.wait { --tone: var(--wait); --tone-ground: var(--wait-ground); }
.odd { --tone: var(--odd); --tone-ground: var(--odd-ground); }
.chain {
  display: grid; grid-template-columns: repeat(7, minmax(0, 1fr)); gap: 16px;
  margin: 14px 0 4px; padding: 0; list-style: none;
}
.chain li {
  position: relative; padding: 8px 10px; background: var(--sunken); border: 1px solid var(--line);
  border-radius: 8px;
}
.chain li + li::before {
  content: "→"; position: absolute; left: -15px; top: 50%; transform: translateY(-50%);
  color: var(--soft);
}
.chain .role { display: block; color: var(--soft); font-size: 11px; }
.chain .name { display: block; font-weight: 600; line-height: 1.3; overflow-wrap: anywhere; unicode-bidi: isolate; }
.chain .note { display: block; color: var(--soft); font-size: 12px; overflow-wrap: anywhere; unicode-bidi: isolate; }
.chain .id {
  display: block; margin-top: 3px; color: var(--soft); font-size: 10.5px; line-height: 1.35;
  overflow-wrap: anywhere;
}
.chain .badge { margin-top: 4px; }
.beside { display: grid; grid-template-columns: minmax(0, 1fr) minmax(0, 1fr); gap: 0 22px; align-items: start; }
.beside > * { min-width: 0; }
.plot { display: block; width: 100%; height: auto; margin-top: 10px; }
.plot text { fill: var(--soft); font-size: 11px; }
.plot .strong { font-weight: 600; }
.plot .value { fill: var(--ink); font-weight: 600; }
.plot .grid { stroke: var(--line); }
.plot .floor { stroke: var(--soft); }
.plot .landed, .key.landed { fill: var(--landed); background: var(--landed); }
.plot .failed { fill: var(--failed); }
.plot .stripe { stroke: var(--stripe); stroke-width: 1.4; fill: none; }
.plot .sign { font-size: 12px; font-weight: 700; fill: var(--tone); }
.legend + .card { margin-top: 12px; }
.legend {
  display: flex; flex-wrap: wrap; gap: 4px 16px; margin: 6px 0 0; padding: 0; list-style: none;
  color: var(--soft); font-size: 12px;
}
.legend .key {
  display: inline-block; width: 12px; height: 12px; margin-right: 6px; border-radius: 2px;
  vertical-align: -1px;
}
.legend .key.failed { background: repeating-linear-gradient(-45deg, var(--failed) 0 3px, var(--stripe) 3px 4.4px); }
.legend b { margin-right: 5px; color: var(--tone); }
.scroll { overflow-x: auto; margin: 8px 0 0; }
table { width: 100%; border-collapse: collapse; font-size: 13px; }
caption { padding: 0 0 4px; text-align: left; color: var(--soft); font-size: 12px; }
th { color: var(--soft); font-size: 12px; font-weight: 600; }
th, td {
  padding: 4px 10px 4px 0; border-bottom: 1px solid var(--line); text-align: left; white-space: nowrap;
  vertical-align: top;
}
td { unicode-bidi: isolate; }
tr:last-child td { border-bottom: 0; }
th.count, td.count { padding-right: 20px; text-align: right; }
.bad-count { color: var(--bad); font-weight: 600; }
td.long { white-space: normal; overflow-wrap: anywhere; min-width: 180px; }
td.why { padding: 0 0 6px 18px; color: var(--soft); white-space: normal; overflow-wrap: anywhere; }
.empty {
  margin: 0; padding: 18px; border: 1px dashed var(--line); border-radius: 12px; color: var(--soft);
  text-align: center;
}
details { margin-top: 8px; }
summary { cursor: pointer; color: var(--soft); font-size: 13px; }
footer { margin-top: 36px; color: var(--soft); font-size: 12px; }
@media (max-width: 1000px) {
  .chain { grid-template-columns: repeat(auto-fit, minmax(150px, 1fr)); }
  .beside { grid-template-columns: minmax(0, 1fr); }
}
"""

_HASH = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
# The page runs no script and loads nothing; only this very style sheet applies.
POLICY = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; img-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
