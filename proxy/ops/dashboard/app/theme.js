// Sets the theme that was chosen before the first paint, so that a dark room stays dark.
// Not a module: those run only after the page has been parsed.
(() => {
  try {
    const theme = localStorage.getItem("sluice.theme");
    if (theme === "light" || theme === "dark") document.documentElement.dataset.theme = theme;
  } catch {
    // storage may be forbidden: then the system's choice holds
  }
})();
