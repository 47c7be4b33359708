// The keys: single ones, off in fields and under a dialog.
import { anyOpen } from "./dialogs.js";
import { pick } from "./selection.js";
import { toggleScheme } from "./scheme.js";

const PLACES = { o: "over", q: "quest", b: "batch", l: "lord", w: "work", m: "mem" };
let at = -1;
let before = "";

function move(by) {
  const rows = [...document.querySelectorAll("[data-row]")];
  if (!rows.length) return;
  rows[at]?.classList.remove("cur");
  at = Math.max(0, Math.min(rows.length - 1, at + by));
  rows[at].classList.add("cur");
  (rows[at].matches("a") ? rows[at] : rows[at].querySelector("a"))?.focus({ preventScroll: true });
  rows[at].scrollIntoView({ block: "nearest" });
}

function press(key) {
  const target = [...document.querySelectorAll(`[data-key="${CSS.escape(key)}"]`)].find((one) => one.checkVisibility());
  if (!target) return false;
  if (target.matches("input")) target.focus();
  else target.click();
  return true;
}

const KEYS = {
  j: () => move(1),
  k: () => move(-1),
  x: () => { const row = document.querySelector("tr.cur"); if (row) pick(row); },
  t: toggleScheme,
  "?": () => document.getElementById("keys").showModal(),
};

function onTree(event) {
  const summary = event.target.closest?.(".json summary");
  if (!summary || !/^Arrow(Left|Right)$/.test(event.key)) return false;
  summary.parentElement.open = event.key === "ArrowRight";
  return true;
}

export function keyboard() {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || onTree(event)) return;
    if (event.target.matches("input:not([type=checkbox], [type=radio]), textarea, select") || anyOpen()) return;
    const place = before === "g" ? PLACES[event.key] : undefined;
    before = event.key;
    if (place) document.querySelector(`[data-place="${place}"]`)?.click();
    else if (KEYS[event.key]) KEYS[event.key]();
    else if (!press(event.key)) return;
    event.preventDefault();
  });
}
