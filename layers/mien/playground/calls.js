// A call as somebody would write it, with the key left out.
import { element, freshId, workTabs } from "./dom.js";
import { urlOf } from "./api.js";

const BLANK = "YOUR_KEY";

const headersOf = (call) => ({ "x-key-secret": BLANK, ...call.headers });
const fileName = (file) => file.name.replace(/[^\w.-]+/g, "_");
const inShell = (text) => (/["$`\\!]/.test(text) ? `'${text.replaceAll("'", "'\\''")}'` : `"${text}"`);

const WRITERS = {
  cURL(call) {
    const lines = [`curl -X ${call.method} ${inShell(urlOf(call))}`];
    for (const [name, value] of Object.entries(headersOf(call))) lines.push(`-H ${inShell(`${name}: ${value}`)}`);
    for (const [field, file] of call.files ?? []) lines.push(`-F ${inShell(`${field}=@${fileName(file)}`)}`);
    return lines.join(" \\\n  ");
  },
  Python(call) {
    const lines = [JSON.stringify(urlOf(call)), `headers=${JSON.stringify(headersOf(call))}`];
    const files = (call.files ?? []).map(([field, file]) => `"${field}": open("${fileName(file)}", "rb")`);
    if (files.length) lines.push(`files={${files.join(", ")}}`);
    const words = lines.map((line) => `    ${line},\n`).join("");
    return `import requests\n\nanswer = requests.${call.method.toLowerCase()}(\n${words})\nprint(answer.json())`;
  },
  JavaScript(call) {
    const files = call.files ?? [];
    const lines = [`method: "${call.method}"`, `headers: ${JSON.stringify(headersOf(call))}`];
    if (files.length) lines.push("body: form");
    const form = files.map(([field], at) => `form.append("${field}", files[${at}]);\n`).join("");
    const start = files.length ? `const form = new FormData();\n${form}\n` : "";
    const words = lines.map((line) => `  ${line},\n`).join("");
    return `${start}const answer = await fetch(${JSON.stringify(urlOf(call))}, {\n${words}});\nconsole.log(await answer.json());`;
  },
};

// Text that may be copied.
export function code(text, name) {
  const copy = element("button", { type: "button", class: "copy", click: () => copied() }, "Copy");
  const copied = async () => {
    await navigator.clipboard.writeText(text);
    copy.textContent = "Copied";
  };
  const block = element("pre", { tabindex: "0", "aria-label": name }, element("code", {}, text));
  return element("div", { class: "code" }, block, navigator.clipboard ? copy : null);
}

// The call in every language, one at a time.
export function written(call) {
  const list = element("div", { class: "tabs small", role: "tablist", "aria-label": "Language" });
  const whole = element("div", {}, list);
  Object.entries(WRITERS).forEach(([language, write], at) => {
    const [tab, panel] = [freshId(), freshId()];
    const state = { "aria-selected": String(at === 0), "aria-controls": panel, tabindex: at === 0 ? "0" : "-1" };
    list.append(element("button", { type: "button", role: "tab", id: tab, ...state }, language));
    const text = code(write(call), `The call in ${language}`);
    whole.append(element("div", { role: "tabpanel", id: panel, "aria-labelledby": tab, hidden: at > 0 }, text));
  });
  workTabs(list);
  return whole;
}
