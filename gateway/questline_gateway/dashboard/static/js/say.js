// Tells people who hear a page what those who see it see.
export function say(text) {
  document.getElementById("say").textContent = text;
}
