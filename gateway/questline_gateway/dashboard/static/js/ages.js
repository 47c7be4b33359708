// Ages tick together, once a second, in the words of the server.
const UNITS = [[86400, "d"], [3600, "h"], [60, "min"], [1, "s"]];

function age(seconds) {
  const [size, unit] = UNITS.find(([least]) => seconds >= least) ?? [1, "s"];
  return `${Math.floor(seconds / size)} ${unit}`;
}

function tick() {
  for (const time of document.querySelectorAll("time[data-ago]")) {
    const text = age(Math.max(0, (Date.now() - Date.parse(time.dateTime)) / 1000)) + time.dataset.ago;
    if (time.textContent !== text) time.textContent = text;
  }
}

export function ages() {
  setInterval(tick, 1000);
}
