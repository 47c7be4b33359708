// Ticked rows, and the bar that says how many they are.
const boxes = () => [...document.querySelectorAll("[data-pick]")];

function show() {
  const ticked = boxes().filter((box) => box.checked);
  for (const box of boxes()) box.closest("tr").ariaSelected = String(box.checked);
  const bar = document.querySelector(".bulk");
  if (!bar) return;
  bar.classList.toggle("none", ticked.length === 0);
  bar.querySelector("[data-number]").textContent = ticked.length;
  const all = document.querySelector("[data-pick-all]");
  all.checked = ticked.length === boxes().length;
  all.indeterminate = ticked.length > 0 && !all.checked;
}

export function pick(row) {
  const box = row.querySelector("[data-pick]");
  if (!box) return;
  box.checked = !box.checked;
  show();
}

export function selection() {
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-pick-all]")) for (const box of boxes()) box.checked = event.target.checked;
    if (event.target.matches("[data-pick], [data-pick-all]")) show();
  });
  addEventListener("pageshow", show); // a browser that goes back ticks what was ticked
  show();
}
