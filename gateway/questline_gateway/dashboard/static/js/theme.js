// Runs before the page is painted, so that a chosen scheme does not flash in.
try {
  const kept = localStorage.getItem("questline-theme");
  if (kept === "light" || kept === "dark") document.documentElement.dataset.theme = kept;
} catch { /* storage may be off: then the system's scheme holds */ }
