// What a script makes better; every page works without it.
"use strict";

// Propose the browser's time zone, where nobody has chosen one yet.
for (const select of document.querySelectorAll("select[data-propose-time-zone]")) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const untouched = select.value === "" || select.value === "UTC";
  if (untouched && [...select.options].some((option) => option.value === zone)) {
    select.value = zone;
  }
}

// A form is sent once: an impatient second click does nothing. The server would recognise it, too.
for (const form of document.querySelectorAll("form[method='post']")) {
  form.addEventListener("submit", () => {
    const buttons = form.querySelectorAll("button:not([type='button'])");
    // After the submission has been put together, or the pressed button's own value would be missing from it.
    setTimeout(() => buttons.forEach((button) => button.setAttribute("disabled", "")));
  });
}
window.addEventListener("pageshow", (event) => {
  if (event.persisted) {
    document.querySelectorAll("button[disabled]").forEach((button) => button.removeAttribute("disabled"));
  }
});
