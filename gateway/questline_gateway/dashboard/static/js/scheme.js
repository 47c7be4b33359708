// Light or dark: as the system has it, until somebody chooses.
const root = document.documentElement;

export function toggleScheme() {
  const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = dark ? "light" : "dark";
  try {
    localStorage.setItem("questline-theme", root.dataset.theme);
  } catch { /* holds for this page */ }
}

export function scheme() {
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-do=theme]")) toggleScheme();
  });
}
