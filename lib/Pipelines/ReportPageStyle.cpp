//===- ReportPageStyle.cpp - Style and script of the report's page --------===//
//
// Licensed under the Apache License v2.0 with LLVM Exceptions.
// See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The script must not contain the characters "</": the page's parser would end
// it there.
//
//===----------------------------------------------------------------------===//
#include "ReportPage.h"

using namespace mlir;
using namespace mlir::qopt;

StringRef mlir::qopt::getPageStyle() {
  return R"css(
:root {
  --page: #f6f6f3; --card: #ffffff; --ink: #1c2126; --minor: #646c75;
  --line: #e2e2dc; --int8: #12806a; --int8-soft: #a8d8cb; --wide: #4b7f2a;
  --wide-soft: #c6ddb2; --half: #3f6fc4;
  --half-soft: #bfd0ee; --float: #c9731a; --float-soft: #efd3b2;
  --bad: #c02f3a; --warn: #a06a0c; --bars: #6b85ad; --in: #eaf0f8;
  --shadow: 0 1px 2px rgba(0, 0, 0, .06);
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #15181b; --card: #1e2226; --ink: #e6e8ea; --minor: #98a1ab;
    --line: #30363c; --int8: #35b898; --int8-soft: #1f5c4e;
    --wide: #8fc46a; --wide-soft: #3c5a29; --half: #7ba3ee;
    --half-soft: #2c4571; --float: #e39a4b; --float-soft: #6a4722;
    --bad: #f0717a; --warn: #dca94c; --bars: #7f9ac4; --in: #26303c;
    --shadow: none;
  }
}
* { box-sizing: border-box; }
html { scroll-padding-top: 3.5rem; }
body {
  margin: 0; background: var(--page); color: var(--ink);
  font: 14px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif;
  font-variant-numeric: tabular-nums;
}
main { max-width: 1440px; margin: 0 auto; padding: 1.5rem 1.25rem 4rem; }
h1 { font-size: 1.7rem; line-height: 1.2; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 1.1rem; margin: 2rem 0 .6rem; }
h2 small { font-weight: 400; color: var(--minor); margin-left: .3rem; }
header p { margin: .2rem 0 .8rem; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem .8rem;
  margin: 0; }
dt { color: var(--minor); }
dd { margin: 0; }
.io { margin-right: 1rem; }
code { font: 12px ui-monospace, Menlo, Consolas, monospace; }
.minor { color: var(--minor); }
.warn { color: var(--warn); }
.tiles { display: grid; gap: .75rem; margin-top: 1.25rem;
  grid-template-columns: repeat(auto-fit, minmax(180px, 1fr)); }
.tile { background: var(--card); border: 1px solid var(--line);
  border-top: 3px solid var(--line); border-radius: 8px; padding: .7rem .9rem;
  box-shadow: var(--shadow); display: flex; flex-direction: column; }
.tile span, .tile small { color: var(--minor); }
.tile b { font-size: 1.55rem; line-height: 1.25; font-weight: 650; }
.tile i { font-size: .95rem; font-style: normal; font-weight: 400;
  color: var(--minor); }
.tile.ok { border-top-color: var(--int8); }
.tile.attention { border-top-color: var(--float); }
.tile.bad { border-top-color: var(--bad); }
.findings { list-style: none; margin: 0; padding: 0; display: grid; gap: .5rem;
  grid-template-columns: repeat(auto-fill, minmax(min(420px, 100%), 1fr)); }
.findings li { background: var(--card); border: 1px solid var(--line);
  border-left: 4px solid var(--line); border-radius: 6px;
  padding: .55rem .8rem; overflow-wrap: anywhere; }
.findings li.problem { border-left-color: var(--bad); }
.findings li.hint { border-left-color: var(--float); }
.findings b::first-letter { text-transform: uppercase; }
.findings p { margin: .15rem 0 0; color: var(--minor); }
.fine { background: var(--card); border: 1px solid var(--line);
  border-left: 4px solid var(--int8); border-radius: 6px; margin: 0;
  padding: .55rem .8rem; }
a { color: inherit; }
.strip { display: flex; flex-wrap: wrap; gap: 2px; }
.strip a, .legend a { display: inline-block; width: 13px; height: 24px;
  border-radius: 2px; }
.strip.many a { width: 7px; height: 14px; border-radius: 1px; }
.strip a:hover, .strip a:focus { outline: 2px solid var(--ink); }
.strip a.off { opacity: .15; }
.legend a { width: 11px; height: 11px; margin: 0 .3rem 0 .9rem; }
.legend a:first-child { margin-left: 0; }
.strip .int8, .legend .int8 { background: var(--int8-soft); }
.strip .wide, .legend .wide { background: var(--wide-soft); }
.strip .half, .legend .half { background: var(--half-soft); }
.strip .float, .legend .float { background: var(--float-soft); }
.strip .int8.k, .legend .int8.k { background: var(--int8); }
.strip .wide.k, .legend .wide.k { background: var(--wide); }
.strip .half.k, .legend .half.k { background: var(--half); }
.strip .float.k, .legend .float.k { background: var(--float); }
.strip .s, .legend .s { box-shadow: inset 0 -5px var(--bad); }
.controls { display: none; flex-wrap: wrap; gap: .6rem; align-items: center;
  margin-bottom: .4rem; }
.js .controls { display: flex; }
input { font: inherit; color: inherit; background: var(--card); width: 18rem;
  max-width: 100%; border: 1px solid var(--line); border-radius: 6px;
  padding: .3rem .6rem; }
button { font: inherit; color: inherit; background: var(--card);
  border: 1px solid var(--line); padding: .3rem .7rem; cursor: pointer; }
button:first-child { border-radius: 6px 0 0 6px; }
button:last-child { border-radius: 0 6px 6px 0; }
button + button { border-left: 0; }
button[aria-pressed=true] { background: var(--ink); color: var(--page); }
.scroll { overflow-x: auto; background: var(--card);
  border: 1px solid var(--line); border-radius: 8px; }
@media (min-width: 1180px) { .scroll { overflow-x: visible; } }
table { border-collapse: separate; border-spacing: 0; width: 100%; }
th { position: sticky; top: 0; z-index: 1; background: var(--card);
  text-align: left; font-weight: 600; white-space: nowrap; padding: .6rem;
  border-bottom: 1px solid var(--line); border-radius: 8px 8px 0 0; }
.js #layers th { cursor: pointer; }
th[aria-sort=ascending]::after { content: " \25B2"; font-size: .7em; }
th[aria-sort=descending]::after { content: " \25BC"; font-size: .7em; }
td { vertical-align: top; padding: .4rem .6rem;
  border-bottom: 1px solid var(--line); min-width: 6rem; max-width: 22rem; }
tr:last-child td { border-bottom: 0; }
tr:target td, .edge:target { background: var(--in); }
td.number, th.number { text-align: right; min-width: 3rem; }
td.range, th.range { min-width: 216px; width: 216px; }
td.integers, th.integers { min-width: 10rem; }
.name { font-weight: 600; overflow-wrap: anywhere; }
td bdi { overflow-wrap: anywhere; }
.badge { display: inline-block; border-radius: 4px; padding: 0 .4rem;
  font-weight: 600; font-size: 12px; color: var(--card); }
.badge.int8 { background: var(--int8); }
.badge.wide { background: var(--wide); }
.badge.half { background: var(--half); }
.badge.float { background: var(--float); }
.why { color: var(--minor); overflow-wrap: anywhere; }
.edge { min-height: 104px; }
#layers td:nth-child(2) { min-width: 11rem; }
#layers td:nth-child(3) { min-width: 12rem; }
.edge + .edge { margin-top: .4rem; }
.sketch { display: block; width: 100%; max-width: 240px; height: 44px; }
.sketch .in { fill: var(--in); }
.sketch .bars { fill: var(--bars); }
.sketch .cut { fill: var(--bad); opacity: .35; }
.sketch path.limits { stroke: var(--bars); stroke-dasharray: 2 2; fill: none; }
.sketch path.held { stroke: var(--line); stroke-width: 5; }
.sketch path.seen { stroke: var(--bars); stroke-width: 3; }
.sketch path.zero { stroke: var(--ink); }
.axis { display: flex; justify-content: space-between; max-width: 240px;
  font-size: 12px; color: var(--minor); }
.axis i { font-style: normal; }
.sqnr { white-space: nowrap; font-weight: 600; }
.sqnr.good { color: var(--int8); }
.sqnr.fair { color: var(--warn); }
.sqnr.poor { color: var(--bad); }
.sqnr.none { color: var(--minor); font-weight: 400; }
[hidden] { display: none; }
@media print { .controls { display: none !important; } th { position: static; } }
)css";
}

StringRef mlir::qopt::getPageScript() {
  return R"js(
'use strict';
document.documentElement.classList.add('js');
const table = document.getElementById('layers');
const body = table.tBodies[0];
const rows = Array.from(body.rows);
const cells = document.querySelectorAll('.strip a');
const texts = rows.map(row => row.textContent.toLowerCase());
const filter = document.getElementById('filter');
const chips = Array.from(document.querySelectorAll('#chips button'));
let chosen = '';

function fits(row) {
  if (chosen === 'k') return 'k' in row.dataset;
  if (chosen === 's') return 's' in row.dataset;
  const isFloat = row.dataset.p === 'float' || row.dataset.p === 'half';
  if (chosen === 'float') return isFloat;
  return chosen === '' || !isFloat;
}

function show() {
  const wanted = filter.value.toLowerCase().split(' ').filter(w => w);
  let shown = 0;
  rows.forEach((row, i) => {
    const visible = fits(row) && wanted.every(w => texts[i].includes(w));
    row.hidden = !visible;
    cells[i].classList.toggle('off', !visible);
    shown += visible;
  });
  document.getElementById('shown').textContent =
      shown === rows.length ? shown : shown + ' of ' + rows.length;
}

function compare(column, sign) {
  return (a, b) => {
    const x = a.cells[column], y = b.cells[column];
    const p = x.dataset.v, q = y.dataset.v;
    if (p !== undefined && q !== undefined) return sign * (p - q);
    if (p !== undefined) return -1;
    if (q !== undefined) return 1;
    return sign * x.textContent.localeCompare(y.textContent);
  };
}

const heads = Array.from(table.tHead.rows[0].cells);
heads.forEach((head, column) => {
  head.tabIndex = 0;
  const sort = () => {
    const up = head.getAttribute('aria-sort') !== 'ascending';
    heads.forEach(h => h.removeAttribute('aria-sort'));
    head.setAttribute('aria-sort', up ? 'ascending' : 'descending');
    const order = rows.slice().sort(compare(column, up ? 1 : -1));
    body.append(...order);
  };
  head.addEventListener('click', sort);
  head.addEventListener('keydown', event => {
    if (event.key === 'Enter' || event.key === ' ') {
      event.preventDefault();
      sort();
    }
  });
});
filter.addEventListener('input', show);
chips.forEach(chip => chip.addEventListener('click', () => {
  chosen = chip.dataset.f;
  chips.forEach(c => c.setAttribute('aria-pressed', String(c === chip)));
  show();
}));
// A link to a row that the filter hides shows all rows again.
addEventListener('hashchange', () => {
  const target = document.getElementById(location.hash.slice(1));
  if (!target || !target.closest('tr[hidden]')) return;
  filter.value = '';
  chips[0].click();
  target.scrollIntoView();
});
)js";
}
