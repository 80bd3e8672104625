/* The slider that plotly draws under pictures listens to pointers alone. This lets the keyboard move it: Tab
   reaches it, arrows go a step, Home and End to its ends. Each step is a click on the rail, as of a pointer. */
(() => {
  if (window.labScrubber) return;
  window.labScrubber = true;

  const steps = (group) => [...group.querySelectorAll(".slider-labels .slider-label")].map((label) => label.textContent);
  const shown = (group) => {
    const [, step] = group.querySelector(":scope > .slider-label").textContent.split(": ");
    return Math.max(0, steps(group).indexOf(step));
  };

  const describe = (group) => {
    const names = steps(group);
    const at = shown(group);
    const said = {
      role: "slider", tabindex: "0", "aria-label": "Epoch of the pictures", "aria-valuemin": "0",
      "aria-valuemax": String(names.length - 1), "aria-valuenow": String(at), "aria-valuetext": names[at] ?? "",
    };
    for (const [name, value] of Object.entries(said)) {
      if (group.getAttribute(name) !== value) group.setAttribute(name, value);
    }
  };

  const move = (group, to) => {
    const rail = group.querySelector(".slider-rail-touch-rect");
    const ticks = group.querySelectorAll(".slider-tick-rect");
    const tick = ticks[Math.min(Math.max(to, 0), ticks.length - 1)].getBoundingClientRect();
    const { top, height } = rail.getBoundingClientRect();
    const place = { bubbles: true, clientX: tick.left + tick.width / 2, clientY: top + height / 2 };
    rail.dispatchEvent(new MouseEvent("mousedown", place));
    group.closest(".js-plotly-plot").dispatchEvent(new MouseEvent("mouseup", place));
  };

  document.addEventListener("keydown", (event) => {
    const group = event.target.closest?.(".slider-group");
    if (!group) return;
    const at = shown(group);
    const to = {
      ArrowLeft: at - 1, ArrowDown: at - 1, ArrowRight: at + 1, ArrowUp: at + 1, Home: 0, End: Infinity,
    }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    move(group, to);
  });

  const describeAll = () => document.querySelectorAll(".js-plotly-plot .slider-group").forEach(describe);
  new MutationObserver(describeAll).observe(document.body, { childList: true, subtree: true, characterData: true });
  describeAll();
})();
