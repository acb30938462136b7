// The API that this page was served by, and the key to it.
import { find, counted } from "./dom.js";

const KEY_HEADER = "x-key-secret";
const KEPT = "mien-key";
const LOOPBACK = ["127.0.0.1", "localhost", "[::1]"];

export const API_URL = `${location.origin}${document.documentElement.dataset.stage}/v1`;

let secret = "";

// What was refused, in words for a person.
export class Refusal extends Error {
  constructor(message, code = "", requestId = "") {
    super(message);
    this.code = code;
    this.requestId = requestId;
  }
}

const ADVICE = {
  invalid_api_key: "This key is not known here. Check that you pasted all of it.",
  account_suspended: "This key is suspended. Whoever runs this API can resume it.",
  rate_limited: "Too many calls at once. Wait a second, then try again.",
  url_not_allowed: "This address may not be fetched.",
  internal: "Something went wrong on the API's side. Try again.",
};

// A call's URL, with its query.
export function urlOf(call) {
  const query = new URLSearchParams(call.query ?? {}).toString();
  return API_URL + call.path + (query && `?${query}`);
}

// Make a call: { method, path, query, headers, files: [[field, file]] }. Gives the body and how long it took.
export async function send(call, signal) {
  if (!secret) throw new Refusal("Type or paste your key first.", "no_key");
  const headers = { [KEY_HEADER]: secret, ...call.headers };
  const options = { method: call.method, headers, signal, cache: "no-store" };
  if (call.files) {
    options.body = new FormData();
    for (const [field, file] of call.files) options.body.append(field, file, file.name);
  }
  const start = performance.now();
  let answer;
  try {
    answer = await fetch(urlOf(call), options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refusal("The API does not answer. Is it running, and are you online?", "unreachable");
  }
  const body = await answer.json().catch(() => null);
  const milliseconds = performance.now() - start;
  if (!answer.ok || body === null) throw refusalOf(answer, body);
  tellUsage(answer.headers);
  return { body, milliseconds };
}

function refusalOf(answer, body) {
  const code = body?.error?.code ?? "";
  let words = ADVICE[code] ?? body?.message ?? `The API answered ${answer.status}.`;
  if (code === "quota_exceeded") {
    const { used, limit } = body.detail;
    words = `This month's calls are used up${limit ? `: ${used} of ${limit}` : ""}. More come with the next month.`;
  }
  return new Refusal(words, code, body?.error?.request_id ?? answer.headers.get("x-request-id") ?? "");
}

function said(text, wrong = false) {
  const place = find("#key-said");
  place.textContent = text;
  place.classList.toggle("wrong", wrong);
}

function remaining(used, limit) {
  if (limit === null) return `${counted(used, "call")} this month, no limit`;
  return `${counted(Math.max(limit - used, 0), "call")} left of ${limit.toLocaleString("en")} this month`;
}

function tellUsage(headers) {
  const used = headers.get("x-usage-used");
  const limit = headers.get("x-usage-limit");
  if (used === null) return;
  said(remaining(Number(used), limit === "unlimited" ? null : Number(limit)));
}

// Whether the key is known, and what is left of its month.
async function checkKey() {
  if (!secret) return said("");
  try {
    const { body } = await send({ method: "GET", path: "/usage" });
    said(`Plan ${body.plan}. ${remaining(body.used, body.limit)}`);
    find("#key").removeAttribute("aria-invalid");
    document.dispatchEvent(new Event("key"));
  } catch (error) {
    said(error.message, true);
    if (error.code === "invalid_api_key") find("#key").setAttribute("aria-invalid", "true");
  }
}

export function askForKey() {
  find("#key").focus();
}

// The key is kept in memory, and in the tab's storage where asked. A server on this machine may hand it over in the
// link that it prints: behind the #, which no browser sends.
export function workKey() {
  const field = find("#key");
  const kept = find("#key-kept");
  const keep = () => (kept.checked ? sessionStorage.setItem(KEPT, secret) : sessionStorage.removeItem(KEPT));
  const use = (value) => {
    secret = value.trim();
    keep();
    return checkKey();
  };
  const handed = new URLSearchParams(location.hash.slice(1)).get("key");
  if (handed) history.replaceState(null, "", location.pathname + location.search);
  const remembered = sessionStorage.getItem(KEPT);
  kept.checked = remembered !== null;
  const first = (LOOPBACK.includes(location.hostname) && handed) || remembered;
  if (first) use((field.value = first));
  field.addEventListener("change", () => use(field.value));
  kept.addEventListener("change", keep);
  find("#key-form").addEventListener("submit", (event) => event.preventDefault());
}
