// What can be told of a page's accessibility by looking at its document; returns what is wrong, in words.
() => {
  const faults = [];
  const say = (element, what) => faults.push(`${what}: ${element.outerHTML.slice(0, 120)}`);
  const shown = (element) => element.checkVisibility() && element.getClientRects().length > 0;

  if (document.querySelectorAll("h1").length !== 1) faults.push("there is not exactly one h1");
  if (!document.title) faults.push("the page has no title");
  if (!document.documentElement.lang) faults.push("the page names no language");
  if (document.querySelectorAll("main").length !== 1) faults.push("there is not exactly one main");

  let level = 1;
  for (const heading of document.querySelectorAll("main :is(h1, h2, h3, h4)")) {
    const here = Number(heading.tagName[1]);
    if (here > level + 1) say(heading, `a heading skips from level ${level}`);
    if (!heading.textContent.trim()) say(heading, "a heading is empty");
    level = here;
  }

  const ids = new Map();
  for (const { id } of document.querySelectorAll("[id]")) ids.set(id, (ids.get(id) ?? 0) + 1);
  for (const [id, count] of ids) if (count > 1) faults.push(`the id ${id} stands ${count} times`);
  for (const element of document.querySelectorAll("[aria-describedby], [aria-labelledby]")) {
    const named = `${element.getAttribute("aria-describedby") ?? ""} ${element.getAttribute("aria-labelledby") ?? ""}`;
    for (const id of named.split(/\s+/).filter(Boolean)) if (!ids.has(id)) say(element, `it points to #${id}, which is not there`);
  }
  for (const link of document.querySelectorAll("main a[href^='#']")) {
    if (!ids.has(link.hash.slice(1))) say(link, "it leads nowhere");
  }

  for (const control of document.querySelectorAll("input:not([type='hidden']), select, textarea")) {
    if (!control.labels?.length && !control.ariaLabel) say(control, "a control has no label");
  }
  for (const button of document.querySelectorAll("button, a[href]")) {
    const name = button.textContent.trim() || button.ariaLabel || button.querySelector("img")?.alt;
    if (!name) say(button, "it can be pressed and has no name");
  }
  for (const image of document.querySelectorAll("img")) if (!image.hasAttribute("alt")) say(image, "an image has no alt");
  for (const table of document.querySelectorAll("table")) {
    if (!table.caption) say(table, "a table has no caption");
    if (!table.querySelector("th[scope]")) say(table, "a table has no header with a scope");
  }
  for (const group of document.querySelectorAll("fieldset")) if (!group.querySelector("legend")) say(group, "a fieldset has no legend");

  if (document.querySelector("[style], style, script:not([src])")) faults.push("something is styled or scripted inline");
  if (document.documentElement.scrollWidth > document.documentElement.clientWidth) faults.push("the page scrolls sideways");

  // Contrast (WCAG 1.4.3): 4.5 to 1, for large text 3 to 1.
  const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const luminance = ([r, g, b]) => {
    const [lr, lg, lb] = [r, g, b].map((c) => ((c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4));
    return 0.2126 * lr + 0.7152 * lg + 0.0722 * lb;
  };
  const ground = (element) => {
    for (let at = element; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255];
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    if (!texts.currentNode.data.trim() || !shown(element) || element.closest(".visually-hidden, [disabled], noscript")) continue;
    const style = getComputedStyle(element);
    const [light, dark] = [luminance(rgba(style.color)), luminance(ground(element))].sort((a, b) => b - a);
    const size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    const contrast = (light + 0.05) / (dark + 0.05);
    if (contrast < (large ? 3 : 4.5)) say(element, `the contrast is ${contrast.toFixed(2)}`);
  }
  return faults;
}
