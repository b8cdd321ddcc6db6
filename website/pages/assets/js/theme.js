// Runs before the first paint, so that a chosen theme does not flash the other one.
(function () {
  try {
    var kept = JSON.parse(localStorage.getItem('lens.console') || '{}').theme;
    if (kept === 'light' || kept === 'dark') document.documentElement.setAttribute('data-theme', kept);
  } catch (error) {
    // Without storage the system's theme stands.
  }
})();
