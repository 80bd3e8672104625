/* Streamlit makes an entry in the browser's history of each change of the URL, so of each step of a knob. To go back
   to one is no way back, since the page writes where its knobs stand into the URL once more, and so nobody would get
   out of a page again. Here a page has one entry, which is rewritten: Back leads to the page before. */
(() => {
  if (window.labHistory) return;
  window.labHistory = true;

  const push = history.pushState.bind(history);
  history.pushState = (state, unused, url) => {
    const isSamePage = new URL(url ?? "", location.href).pathname === location.pathname;
    if (isSamePage) history.replaceState(state, unused, url);
    else push(state, unused, url);
  };
})();
