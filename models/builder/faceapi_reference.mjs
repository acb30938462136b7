// What face-api's own code, on its own TensorFlow.js, says of face chips: the reference for our ONNX graphs.
// Usage: node faceapi_reference.mjs LIBRARY WEIGHTS_FOLDER < chips > answer
// stdin: float32 chips of shape (n, 112, 112, 3), RGB, 0-255. stdout: JSON, one row a chip: the seven probabilities.
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

// The bundle is made for browsers and looks for one as it loads.
globalThis.window = globalThis;
globalThis.document = {};

const [library, folder] = process.argv.slice(2);
const faceapi = await import(pathToFileURL(library).href);
const { tf } = faceapi;
await tf.setBackend('cpu');

const name = 'face_expression_model';
const manifest = JSON.parse(readFileSync(`${folder}/${name}-weights_manifest.json`, 'utf8'));
const binary = new Uint8Array(readFileSync(`${folder}/${name}.bin`)).buffer;
const net = new faceapi.FaceExpressionNet();
net.loadFromWeightMap(tf.io.decodeWeights(binary, manifest.flatMap((group) => group.weights)));

const values = new Float32Array(new Uint8Array(readFileSync(0)).buffer);
const side = 112;
const chips = tf.tensor4d(values, [values.length / (side * side * 3), side, side, 3]);
const input = new faceapi.NetInput(tf.unstack(chips), true);

process.stdout.write(JSON.stringify(net.forwardInput(input).arraySync()));
