// Where photos come in: chosen, dropped, pasted or taken; and what is done with those that are too large.
import { element, freshId, counted, megabytes } from "./dom.js";
import { takePhoto } from "./camera.js";

const TYPES = ["image/jpeg", "image/png", "image/webp"];
const MAX_BYTES = Number(document.documentElement.dataset.maxBytes);
const SHRINKING = [0.92, 0.85, 0.75, 0.6];

// A place for photos. `took` hears of every new choice.
export function dropZone({ name, several = false, took }) {
  const hint = freshId();
  const take = (files) => {
    const photos = [...files].filter(Boolean);
    if (photos.length) took(several ? photos : photos.slice(0, 1));
  };
  const input = element("input", {
    type: "file",
    accept: TYPES.join(","),
    multiple: several,
    "aria-describedby": hint,
    change: () => {
      take(input.files);
      input.value = "";
    },
  });
  const choose = element("label", { class: "button primary" }, input, several ? "Choose photos" : "Choose a photo");
  const camera = element("button", { type: "button", click: async () => take([await takePhoto()]) }, "Use the camera");
  const zone = element(
    "div",
    { class: "drop", role: "group", "aria-label": name },
    element("p", { class: "actions" }, choose, camera),
    element("p", { class: "hint", id: hint }, `${name}: JPEG, PNG or WebP. Or drop it here, or paste it.`),
  );
  const over = (is) => zone.classList.toggle("over", is);
  zone.addEventListener("dragover", (event) => (event.preventDefault(), over(true)));
  zone.addEventListener("dragleave", () => over(false));
  zone.addEventListener("drop", (event) => (event.preventDefault(), over(false), take(event.dataTransfer.files)));
  zone.addEventListener("photos", (event) => take(event.detail));
  return zone;
}

// What is pasted goes to the first place for photos that is shown; what is dropped beside one opens no other page.
export function workPage() {
  document.addEventListener("paste", (event) => {
    const photos = [...event.clipboardData.files];
    const zones = [...document.querySelectorAll(".drop")].filter((each) => each.offsetParent);
    const here = zones.find((each) => each.contains(document.activeElement));
    const zone = here ?? zones.find((each) => !each.dataset.full) ?? zones[0];
    if (!photos.length || !zone) return;
    event.preventDefault();
    zone.dispatchEvent(new CustomEvent("photos", { detail: photos }));
  });
  for (const kind of ["dragover", "drop"]) document.addEventListener(kind, (event) => event.preventDefault());
}

// Whether a call may carry these photos, and if not, what a person is told.
export function tooLarge(photos) {
  const bytes = photos.reduce((sum, photo) => sum + photo.size, 0);
  if (bytes <= MAX_BYTES) return "";
  const whose = photos.length === 1 ? "This photo has" : `These ${counted(photos.length, "photo")} have`;
  return `${whose} ${megabytes(bytes)}; at most ${megabytes(MAX_BYTES)} may be sent.`;
}

// The photos, made small enough to be sent together.
export function shrunk(photos) {
  return Promise.all(photos.map((photo) => smaller(photo, Math.floor(MAX_BYTES / photos.length))));
}

async function smaller(photo, most) {
  if (photo.size <= most) return photo;
  const bitmap = await createImageBitmap(photo); // upright
  for (let scale = 1; scale > 0.05; scale *= 0.7) {
    const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.round(side * scale));
    const canvas = element("canvas", { width, height });
    canvas.getContext("2d").drawImage(bitmap, 0, 0, width, height);
    for (const quality of SHRINKING) {
      const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", quality));
      if (blob?.size <= most) return new File([blob], `${photo.name.replace(/\.\w+$/, "")}.jpg`, { type: blob.type });
    }
  }
  return photo;
}
