// The page: a picture, a video or the webcam on the left, its alpha and the cut-out beside it.

import { Matter } from "./matting.js";

const LONGEST = 1280; // larger frames are shown and matted at this size
const $ = (id) => document.getElementById(id);
const canvases = { input: $("input"), alpha: $("alpha"), cutout: $("cutout") };
const contexts = Object.fromEntries(
  Object.entries(canvases).map(([name, canvas]) => [name, canvas.getContext("2d", { willReadFrequently: true })]),
);

let matter = null;
let source = null; // an HTMLVideoElement or an ImageBitmap
let backdrop = null; // an ImageBitmap
let turn = 0; // counts loops: one ends when another began
let recorder = null;

function say(text) {
  $("status").textContent = text;
}

function fit(width, height) {
  const scale = Math.min(LONGEST / Math.max(width, height), 1);
  const size = [Math.max(Math.round(width * scale), 1), Math.max(Math.round(height * scale), 1)];
  for (const canvas of Object.values(canvases)) {
    if (canvas.width !== size[0] || canvas.height !== size[1]) [canvas.width, canvas.height] = size;
  }
  return size;
}

async function show(frame, frameWidth, frameHeight) {
  const [width, height] = fit(frameWidth, frameHeight);
  contexts.input.drawImage(frame, 0, 0, width, height);
  const image = contexts.input.getImageData(0, 0, width, height);
  const pha = await matter.matte(image);
  const alpha = contexts.alpha.createImageData(width, height);
  for (let i = 0; i < pha.length; i++) {
    const level = Math.round(255 * pha[i]);
    alpha.data[4 * i] = alpha.data[4 * i + 1] = alpha.data[4 * i + 2] = level;
    alpha.data[4 * i + 3] = 255;
    image.data[4 * i + 3] = level;
  }
  contexts.alpha.putImageData(alpha, 0, 0);
  const face = await createImageBitmap(image);
  contexts.cutout.fillStyle = $("colour").value;
  contexts.cutout.fillRect(0, 0, width, height);
  if (backdrop) contexts.cutout.drawImage(backdrop, 0, 0, width, height);
  contexts.cutout.drawImage(face, 0, 0);
  face.close();
}

async function run(next) {
  stopRecording();
  source?.srcObject?.getTracks().forEach((track) => track.stop());
  source = next;
  matter.reset();
  $("save").disabled = false;
  if (!(source instanceof HTMLVideoElement)) {
    await show(source, source.width, source.height);
    say(`Picture, ${matter.device}. Nothing was uploaded.`);
    return;
  }
  await play();
}

/** Mattes the frames of the video as they come, until it ends or another source begins. */
async function play() {
  const own = ++turn;
  const video = source;
  let frames = 0;
  let since = performance.now();
  while (own === turn && source === video) {
    await show(video, video.videoWidth, video.videoHeight);
    frames += 1;
    const seconds = (performance.now() - since) / 1000;
    if (seconds > 1) {
      say(`${(frames / seconds).toFixed(1)} frames per second, ${matter.device}. Nothing is uploaded.`);
      frames = 0;
      since = performance.now();
    }
    if (video.ended) {
      stopRecording();
      return;
    }
    await new Promise(requestAnimationFrame);
  }
}

async function open(file) {
  if (!file) return;
  try {
    if (file.type.startsWith("image/")) return await run(await createImageBitmap(file));
    const video = document.createElement("video");
    video.muted = video.playsInline = true;
    video.src = URL.createObjectURL(file);
    await video.play();
    await run(video);
  } catch (error) {
    say(`${file.name} cannot be shown by this browser (${error.message}).`);
  }
}

async function webcam() {
  try {
    const video = document.createElement("video");
    video.muted = video.playsInline = true;
    video.srcObject = await navigator.mediaDevices.getUserMedia({ video: true });
    await video.play();
    await run(video);
  } catch (error) {
    say(`The webcam cannot be used (${error.message}).`);
  }
}

function download(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}

function stopRecording() {
  if (recorder?.state === "recording") recorder.stop();
  recorder = null;
  $("save").textContent = "Save alpha";
}

function save() {
  if (!(source instanceof HTMLVideoElement)) {
    canvases.alpha.toBlob((blob) => download(blob, "alpha.png"), "image/png");
    return;
  }
  if (recorder) return stopRecording();
  const parts = [];
  recorder = new MediaRecorder(canvases.alpha.captureStream(), { mimeType: "video/webm" });
  recorder.ondataavailable = (event) => parts.push(event.data);
  recorder.onstop = () => download(new Blob(parts, { type: "video/webm" }), "alpha.webm");
  recorder.start();
  $("save").textContent = "Stop and save alpha";
  if (!source.srcObject) {
    matter.reset();
    source.currentTime = 0;
    source.play().then(play);
  }
}

$("file").addEventListener("change", (event) => open(event.target.files[0]));
$("webcam").addEventListener("click", webcam);
$("save").addEventListener("click", save);
$("colour").addEventListener("input", () => {
  if (source && !(source instanceof HTMLVideoElement)) show(source, source.width, source.height);
});
$("backdrop").addEventListener("change", async (event) => {
  const file = event.target.files[0];
  backdrop = file ? await createImageBitmap(file) : null;
  if (source && !(source instanceof HTMLVideoElement)) show(source, source.width, source.height);
});
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  open(event.dataTransfer.files[0]);
});

try {
  say("Loading the network …");
  matter = await Matter.load("network.onnx", new URLSearchParams(location.search).get("device") ?? "auto");
  for (const id of ["file", "webcam", "backdrop"]) $(id).disabled = false;
  say(`Ready, ${matter.device}. Nothing is uploaded: the network runs in this page.`);
} catch (error) {
  say(`The network cannot be loaded (${error.message}). Open this page through a web server, not as a file.`);
}
