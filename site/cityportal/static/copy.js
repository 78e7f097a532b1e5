// Adds a copy button to every snippet; without script the text can still be selected.
"use strict";
const words = document.documentElement.dataset;
for (const snippet of navigator.clipboard ? document.querySelectorAll(".snippet") : []) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "plain";
  button.textContent = words.copy;
  button.addEventListener("click", async () => {
    await navigator.clipboard.writeText(snippet.querySelector("pre").textContent.trim());
    button.textContent = words.copied;
    setTimeout(() => { button.textContent = words.copy; }, 2000);
  });
  snippet.append(button);
}
