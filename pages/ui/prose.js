/* Words of the prose that set knobs are links to "#set-…". This presses the button that stands for them, which is
   out of sight, so that a click or Enter on the words stays in the session. */
(() => {
  if (window.labProse) return;
  window.labProse = true;

  document.addEventListener("click", (event) => {
    const link = event.target.closest?.('a[href^="#set-"]');
    if (!link) return;
    event.preventDefault();
    document.querySelector(`.st-key-${link.getAttribute("href").slice(1)} button`)?.click();
  }, true);
})();
