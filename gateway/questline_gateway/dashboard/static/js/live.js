// Live pages: an event of the gateway says that something has changed, and the page is asked for again and merged in.
import { say } from "./say.js";

const KEPT = "questline-live";
const EVENTS = ["version", "status", "end", "ready", "quest", "deleted"];
const TICK = 1000; // a page is asked for once in this time at most
const REOPEN = 5000; // a stream that the gateway refused is asked for again after this time
const POLL = 2000; // what no stream tells of is looked at this often
// What somebody is in the middle of: a form, a menu, a field, ticked rows, the row under the pointer or the keys.
const BUSY = [
  "dialog[open]", "details.menu[open]", "details.drop[open]", "[data-pick]:checked",
  "input:focus", "textarea:focus", "select:focus", "table.list tr:hover", "tr.cur:focus-within",
].join(",");

const main = () => document.getElementById("main");
const ended = () => main().querySelector("[data-ended]") !== null;
const busy = () => document.hidden || !getSelection().isCollapsed || document.querySelector(BUSY) !== null;

let button;
let wanted = true;
let source = null;
let opened = 0; // when the stream was asked for
let asked = 0; // when the page was asked for
let asking = false;
let stale = false;
let lost = ""; // the time up to which the page is known to be right, once that is over

function lose() {
  if (lost) return;
  lost = new Date().toTimeString().slice(0, 8);
  say(`Reconnecting, as of ${lost}`);
}

function close() {
  source?.close();
  source = null;
}

function connect() {
  if (!button.dataset.live || (source && (source.readyState !== EventSource.CLOSED || Date.now() - opened < REOPEN))) return;
  close();
  opened = Date.now();
  source = new EventSource(button.dataset.live);
  source.addEventListener("open", () => { lost = ""; stale = true; }); // what was missed is on the page that is asked for now
  source.addEventListener("error", () => { if (!ended()) lose(); });
  for (const name of EVENTS) source.addEventListener(name, () => { stale = true; });
}

async function refresh() {
  const here = location.href;
  asking = true;
  asked = Date.now();
  stale = false;
  try {
    const answer = await fetch(here, { headers: { Accept: "text/html" } });
    const text = await answer.text();
    if (!answer.ok || answer.redirected) lose();
    else if (busy() || location.href !== here) stale = true;
    else {
      await htmx.swap({ text, sourceElement: main(), target: main(), select: "#main", swap: "outerMorph" });
      if (source?.readyState !== EventSource.CLOSED) lost = "";
    }
  } catch {
    lose();
  }
  asking = false;
}

function show(on) {
  const text = lost && on ? `Reconnecting, as of ${lost}` : on ? "Live" : "Paused";
  const label = button.querySelector("span");
  if (label.textContent !== text) label.textContent = text;
  button.ariaPressed = String(on && !lost);
  button.title = wanted && !on ? "Goes on when what you do here is done (.)" : "Live updates (.)";
}

function tick() {
  if (ended()) {
    close();
    button.hidden = true;
    return;
  }
  const on = wanted && !busy();
  if (wanted && !document.hidden) connect();
  else close(); // a browser has few connections, which tabs share
  show(on);
  if (button.dataset.poll !== undefined && Date.now() - asked >= POLL) stale = true;
  if (on && !asking && (stale || (lost && Date.now() - asked >= REOPEN))) refresh();
}

function toggle() {
  wanted = !wanted;
  try {
    localStorage.setItem(KEPT, wanted ? "on" : "off");
  } catch { /* holds for this page */ }
  stale = true;
  tick();
  say(wanted ? "Live" : "Paused");
}

export function live() {
  button = document.querySelector("[data-do=live]");
  if (!button || ended()) return;
  try {
    wanted = localStorage.getItem(KEPT) !== "off";
  } catch { /* storage may be off: then pages are live */ }
  button.hidden = false;
  button.addEventListener("click", toggle);
  document.addEventListener("visibilitychange", tick);
  addEventListener("pagehide", close);
  setInterval(tick, TICK);
  tick();
}
