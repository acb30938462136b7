// People: enrol, recognise, list, delete.
import { element, find, asked, counted, freshId } from "./dom.js";
import { send } from "./api.js";
import { dropZone } from "./drop.js";
import { Outcome, lookPanel } from "./look.js";

const PATH = "/face_recognition";
const PAGE = 50;
const MOST_PHOTOS = 5;

export function peoplePanel() {
  const collection = element("input", { id: freshId(), value: "default", maxlength: "64", spellcheck: "false" });
  const inCollection = () => ({ collection: collection.value.trim() || "default" });
  const list = listSection(inCollection);
  collection.addEventListener("change", list.load);
  document.addEventListener("key", () => collection.offsetParent && list.load());
  const recognise = lookPanel((file) => ({
    method: "POST",
    path: `${PATH}/recognize_face`,
    query: inCollection(),
    files: [["face_image", file]],
  }));
  const whole = element(
    "div",
    { class: "people" },
    field("Collection", collection),
    section("Enrol", "One to five photos of one person, with nobody else in them.", enrol(inCollection, list.load)),
    section("Recognise", "Names everybody in a photo who is enrolled.", recognise),
    section("Enrolled", "", list.whole),
  );
  return { whole, shown: list.load };
}

function field(name, input) {
  return element("p", { class: "field" }, element("label", { for: input.id }, name), input);
}

function section(title, lead, content) {
  const heading = freshId();
  return element(
    "section",
    { "aria-labelledby": heading },
    element("h2", { id: heading }, title),
    lead ? element("p", { class: "lead" }, lead) : null,
    content,
  );
}

function enrol(inCollection, changed) {
  const outcome = new Outcome();
  const uid = element("input", { id: freshId(), maxlength: "128", spellcheck: "false", autocomplete: "off" });
  const strip = element("ul", { class: "strip", "aria-label": "Photos to enrol" });
  let photos = [];
  const took = (files) => {
    photos = files.slice(0, MOST_PHOTOS);
    for (const image of strip.querySelectorAll("img")) URL.revokeObjectURL(image.src);
    const shown = photos.map((photo) => element("img", { src: URL.createObjectURL(photo), alt: photo.name }));
    strip.replaceChildren(...shown.map((image) => element("li", {}, image)));
    const left = files.length - photos.length;
    outcome.clear(left ? `Only the first ${MOST_PHOTOS} are taken.` : `${counted(photos.length, "photo")} chosen.`);
  };
  const enrolAs = async (method, path, files) => {
    if (!uid.value.trim()) {
      uid.focus();
      return outcome.fail({ message: "Give the person a name first: any word of yours, a customer's number for instance." });
    }
    if (!files.length) return outcome.fail({ message: "Choose a photo of the person first." });
    if (!outcome.fitting(files, (smaller) => enrolAs(method, path, smaller))) return;
    const fields = files.map((file, at) => [at ? `additional_face_image_${at - 1}` : "face_image", file]);
    const headers = { "x-face-uid": uid.value.trim() };
    const call = { method, path: PATH + path, query: inCollection(), headers, files: fields };
    const done = await outcome.of(call, (body) => [body.message, rejected(body.rejected_images)]);
    if (done) return changed();
    if (outcome.code === "already_registered" && !outcome.alert.hidden) {
      const replace = () => enrolAs("PUT", "/update_face", files);
      outcome.fail({ message: `${uid.value.trim()} is enrolled already.`, code: outcome.code }, ["Replace the photos", replace]);
    }
  };
  const submit = (event) => {
    event.preventDefault();
    enrolAs("POST", "/register_face", photos);
  };
  const form = element(
    "form",
    { class: "input", submit },
    field("Name or number (uid)", uid),
    dropZone({ name: "Photos of one person", several: true, took }),
    strip,
    element("p", { class: "actions" }, element("button", { class: "primary" }, "Enrol")),
  );
  return element("div", { class: "split" }, form, outcome.whole);
}

function rejected(images) {
  const reasons = images.map(({ index, reason }) =>
    element("li", {}, `Photo ${index + 1} was not used: ${reason.replaceAll("_", " ")}.`),
  );
  return reasons.length ? element("ul", {}, ...reasons) : "";
}

function listSection(inCollection) {
  const status = element("p", { role: "status", tabindex: "-1" });
  const alert = element("p", { class: "error", role: "alert", hidden: true });
  const rows = element("tbody");
  const head = ["Name", "Photos", "Since", ""].map((name) => (name ? element("th", { scope: "col" }, name) : element("td", {})));
  const table = element("table", { hidden: true }, element("thead", {}, element("tr", {}, ...head)), rows);
  const more = element("button", { type: "button", hidden: true, click: () => page(more.value) }, "Show more");
  const fail = (error) => {
    alert.textContent = error.message;
    alert.hidden = false;
  };
  const page = async (token) => {
    alert.hidden = true;
    const query = { ...inCollection(), limit: PAGE, ...(token ? { next_token: token } : {}) };
    try {
      const { body } = await send({ method: "GET", path: `${PATH}/view_db`, query });
      if (!token) rows.replaceChildren();
      rows.append(...body.faces_list.map(row));
      table.hidden = !rows.children.length;
      more.value = body.next_token ?? "";
      more.hidden = !body.next_token;
      const photos = `${counted(body.num_of_faces, "photo")} enrolled in all.`;
      status.textContent = body.num_of_faces ? photos : "Nobody is enrolled here yet.";
    } catch (error) {
      if (error.code === "no_key") status.textContent = "With your key, who is enrolled is listed here.";
      else if (error.code !== "invalid_api_key") fail(error);
    }
  };
  const row = ({ face_uid: uid, faces, created_at: since }) => {
    const attributes = { type: "button", class: "danger", "aria-label": `Delete ${uid}`, click: () => remove(uid) };
    return element(
      "tr",
      {},
      element("th", { scope: "row" }, uid),
      element("td", {}, String(faces)),
      element("td", {}, element("time", { datetime: since }, since.slice(0, 10))),
      element("td", {}, element("button", attributes, "Delete")),
    );
  };
  const remove = async (uid) => {
    find("#confirm-said").textContent = `${uid} and everything kept of their face will be gone for good.`;
    if ((await asked(find("#confirm"))) !== "yes") return;
    try {
      const headers = { "x-face-uid": uid };
      await send({ method: "DELETE", path: `${PATH}/delete_face`, query: inCollection(), headers });
      await page("");
      status.textContent = `${uid} was deleted. ${status.textContent}`;
      status.focus(); // the button that was pressed is gone
    } catch (error) {
      fail(error);
    }
  };
  const whole = element("div", {}, status, alert, table, element("p", { class: "actions" }, more));
  return { whole, load: () => page("") };
}
