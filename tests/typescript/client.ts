// Calls a server with a client made of the OpenAPI document: `node built/client.js URL KEY PHOTO`.
// That it compiles is half of the check: bodies, parameters and answers have the document's types.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import createClient from "openapi-fetch";
import type { components, paths } from "./mien.js";

type Face = components["schemas"]["Face"];

const [url, key, file] = process.argv.slice(2) as [string, string, string];
const photo = await readFile(file);
const mien = createClient<paths>({ baseUrl: `${url}/api/v1`, headers: { "x-key-secret": key } });

function asForm(): FormData {
  const form = new FormData();
  form.append("face_image", new Blob([photo], { type: "image/jpeg" }), "photo.jpg");
  return form;
}

const health = await createClient<paths>({ baseUrl: `${url}/api/v1` }).GET("/health");
assert.equal(health.data?.status, "success");

const inForm = await mien.POST("/face_analytics", {
  body: { face_image: "" }, // the document calls a file a text; the form has the photo
  bodySerializer: asForm,
  params: { query: { max_faces: 1 } },
});
const inJson = await mien.POST("/face_analytics", { body: { image: photo.toString("base64") } });
const face: Face | undefined = inForm.data?.faces[0];
assert.equal(face?.gender, "male");
assert.deepEqual(inJson.data?.faces[0], face);

const somebody = { header: { "x-face-uid": "somebody" } };
const enrolled = await mien.POST("/face_recognition/register_face", {
  params: { ...somebody, query: { collection: "typescript", min_liveness: 0 } },
  body: { face_image: photo.toString("base64"), metadata: "from a typed client" },
});
assert.equal(enrolled.data?.num_of_faces, 1);
const found = await mien.POST("/face_recognition/recognize_face", {
  params: { query: { collection: "typescript", match_policy: "fmr_1e-3" } },
  body: { image: photo.toString("base64") },
});
assert.equal(found.data?.faces[0]?.recognition_uidresult, "somebody");
const gone = await mien.DELETE("/face_recognition/delete_face", {
  params: { ...somebody, query: { collection: "typescript" } },
});
assert.equal(gone.data?.deleted_faces, 1);

const refused = await mien.POST("/face_analytics", { body: { image: "bm8gcGhvdG8=" } });
assert.equal(refused.response.status, 415);
assert.equal(refused.error?.error.code, "unsupported_image");
process.stdout.write("A TypeScript client works.\n");
