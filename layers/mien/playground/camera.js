// A photo of whoever sits before the camera.
import { find, asked } from "./dom.js";

const REFUSED = "The camera may not be used. Allow it in your browser, or choose a photo instead.";
const MISSING = "There is no camera that can be used here. Choose a photo instead.";

// The photo, or null when it was not taken.
export async function takePhoto() {
  const dialog = find("#camera");
  const [video, wrong, take] = ["video", ".error", "[value=take]"].map((part) => find(part, dialog));
  wrong.hidden = true;
  take.disabled = true;
  const looking = asked(dialog);
  let closed = false;
  looking.then(() => (closed = true));
  let stream = null;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "user" } });
    video.srcObject = stream;
    if (!closed) {
      await video.play();
      take.disabled = false;
      take.focus();
    }
  } catch (error) {
    wrong.textContent = error.name === "NotAllowedError" ? REFUSED : MISSING;
    wrong.hidden = false;
  }
  const answer = await looking;
  const photo = answer === "take" ? await still(video) : null;
  for (const track of stream?.getTracks() ?? []) track.stop();
  video.srcObject = null;
  return photo;
}

async function still(video) {
  const canvas = document.createElement("canvas");
  [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
  canvas.getContext("2d").drawImage(video, 0, 0);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.92));
  return new File([blob], "camera.jpg", { type: "image/jpeg" });
}
