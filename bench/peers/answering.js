// How a peer in Node is asked, like answering.py: it says one line of JSON about itself, then one for each file named to it.
"use strict";

const { readFileSync, readdirSync, statSync } = require("node:fs");
const { join } = require("node:path");
const { createInterface } = require("node:readline");
const { pathToFileURL } = require("node:url");
const sharp = require("sharp");

console.log = console.error; // libraries' chatter; stdout is for answers
sharp.concurrency(1);
sharp.cache(false); // every photo is decoded anew

const PACKAGES = process.env.NODE_PATH;

// TensorFlow.js fetches weights and WebAssembly, Node's fetch knows no files.
const fetchFromWeb = globalThis.fetch;
globalThis.fetch = (address, options) =>
  String(address).startsWith("file:")
    ? Promise.resolve(new Response(readFileSync(new URL(address))))
    : fetchFromWeb(address, options);

/** The file: address of a folder of a package. */
const folder = (...path) => `${pathToFileURL(join(PACKAGES, ...path)).href}/`;

const versionOf = (name) => require(join(PACKAGES, name, "package.json")).version;

/** The bytes of the files of a folder whose names begin with one of these. */
const bytesOf = (path, names) =>
  readdirSync(path)
    .filter((file) => names.some((name) => file.startsWith(name)))
    .reduce((sum, file) => sum + statSync(join(path, file)).size, 0);

/** A JPEG's pixels as an int32 tensor, (height, width, 3), RGB. libvips decodes: nothing faster is to be had in Node. */
async function decode(tf, jpeg) {
  const { data, info } = await sharp(jpeg).removeAlpha().raw().toBuffer({ resolveWithObject: true });
  return tf.tensor3d(data, [info.height, info.width, info.channels], "int32");
}

/** Say `about`, then for each line of input, a file's name, what `analyse` (tensor → number of faces) takes. */
async function serve(tf, about, analyse) {
  const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
  const simd = await tf.env().getAsync("WASM_HAS_SIMD_SUPPORT");
  const threads = (await tf.env().getAsync("WASM_HAS_MULTITHREAD_SUPPORT")) ? "several threads" : "1 thread";
  if (tf.getBackend() !== "wasm" || !simd) throw new Error("WebAssembly with SIMD is needed");
  const backend = `TensorFlow.js ${tf.version_core} WebAssembly, SIMD, ${threads}; Node ${process.versions.node}; sharp`;
  say({ ...about, backend });
  for await (const file of createInterface({ input: process.stdin })) {
    const jpeg = readFileSync(file);
    const used = process.cpuUsage();
    const start = performance.now();
    const tensor = await decode(tf, jpeg);
    const decoded = performance.now();
    const faces = await analyse(tensor);
    const done = performance.now();
    const { user, system } = process.cpuUsage(used); // microseconds, of all threads
    tensor.dispose();
    say({ faces, ms: done - start, cpu_ms: (user + system) / 1000, decode_ms: decoded - start });
  }
}

module.exports = { PACKAGES, bytesOf, folder, serve, versionOf };
