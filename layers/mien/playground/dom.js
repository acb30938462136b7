// Elements, tabs and dialogs.

export const find = (selector, root = document) => root.querySelector(selector);

// An element: a function among its attributes listens, a boolean is a property, everything else is an attribute.
export function element(tag, attributes = {}, ...children) {
  return furnished(document.createElement(tag), attributes, children);
}

export function drawn(tag, attributes = {}, ...children) {
  return furnished(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function furnished(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name, value);
    else if (typeof value === "boolean") made[name] = value;
    else made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

let numbered = 0;
export const freshId = () => `id-${++numbered}`;

// The tabs of a list as WAI-ARIA has them: arrows, Home and End move, and what is moved to is shown.
export function workTabs(list, chosen = () => {}) {
  const all = [...list.querySelectorAll("[role=tab]")];
  const choose = (tab) => {
    for (const each of all) {
      const here = each === tab;
      each.setAttribute("aria-selected", String(here));
      each.tabIndex = here ? 0 : -1;
      document.getElementById(each.getAttribute("aria-controls")).hidden = !here;
    }
    chosen(tab);
  };
  for (const tab of all) tab.addEventListener("click", () => choose(tab));
  list.addEventListener("keydown", (event) => {
    const at = all.indexOf(document.activeElement);
    const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (at < 0 || to === undefined) return;
    event.preventDefault();
    const tab = all[(to + all.length) % all.length];
    tab.focus();
    choose(tab);
  });
}

// Show a dialog until one of its buttons is pressed; the button's value, or "cancel" where it was left otherwise.
export function asked(dialog) {
  return new Promise((resolve) => {
    let answer = "cancel";
    const press = (event) => {
      const button = event.target.closest("button[value]");
      if (!button) return;
      answer = button.value;
      dialog.close();
    };
    const left = () => {
      dialog.removeEventListener("click", press);
      resolve(answer);
    };
    dialog.addEventListener("click", press);
    dialog.addEventListener("close", left, { once: true });
    dialog.showModal();
  });
}

// Never all and never nothing, unless it is.
export function percent(share) {
  const whole = Math.round(share * 100);
  if (whole === 100 && share < 1) return "over 99\u00a0%";
  return whole === 0 && share > 0 ? "under 1\u00a0%" : `${whole}\u00a0%`;
}

export const counted = (count, one, many = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
export const megabytes = (bytes) => `${(bytes / 1024 / 1024).toFixed(1)} MB`;
