// The network in the browser: frames in, alphas out, the recurrent states kept on the device.

const SEEN = 512; // RVM's rule: the network sees the longer side with at most so many pixels
const STATES = ["r1", "r2", "r3", "r4"];

export class Matter {
  /** Loads onnxruntime-web from `ort/` and the network: WebGPU where there is one, else WASM. */
  static async load(url, wish = "auto") {
    let gpu = false;
    if (wish !== "wasm" && navigator.gpu) {
      gpu = (await navigator.gpu.requestAdapter().catch(() => null)) !== null;
    }
    const ort = await import(gpu ? "./ort/ort.webgpu.min.mjs" : "./ort/ort.wasm.min.mjs");
    ort.env.wasm.wasmPaths = new URL("./ort/", import.meta.url).href;
    // Threads need the headers of a page that is isolated from others.
    const threads = globalThis.crossOriginIsolated ? Math.min(4, navigator.hardwareConcurrency || 1) : 1;
    ort.env.wasm.numThreads = threads;
    ort.env.logLevel = "error";
    const options = { executionProviders: [gpu ? "webgpu" : "wasm"] };
    if (gpu) {
      options.preferredOutputLocation = Object.fromEntries(STATES.map((name) => [name + "o", "gpu-buffer"]));
    }
    const session = await ort.InferenceSession.create(url, options);
    return new Matter(ort, session, gpu ? "WebGPU" : `WASM, ${threads} ${threads > 1 ? "threads" : "thread"}`);
  }

  constructor(ort, session, device) {
    this.ort = ort;
    this.session = session;
    this.device = device;
    this.outputs = ["pha", ...STATES.map((name) => name + "o")];
    this.last = Promise.resolve(); // a session runs one frame at a time
    this.states = {};
    this.size = "";
  }

  /** Begins a new clip, after the frame that is being matted. */
  reset() {
    return this.inTurn(() => this.forget());
  }

  /** Mattes an ImageData; returns its alpha, a Float32Array of height · width values in [0, 1]. */
  matte(image) {
    return this.inTurn(() => this.run(image));
  }

  inTurn(work) {
    const result = this.last.then(work);
    this.last = result.catch(() => undefined);
    return result;
  }

  forget() {
    for (const state of Object.values(this.states)) state.dispose?.();
    this.states = {};
    this.size = "";
  }

  async run(image) {
    const { width, height, data } = image;
    const size = `${width}x${height}`;
    if (size !== this.size) {
      this.forget();
      this.size = size;
      for (const name of STATES) {
        this.states[name + "i"] = new this.ort.Tensor("float32", new Float32Array(1), [1, 1, 1, 1]);
      }
    }
    const pixels = width * height;
    const src = new Float32Array(3 * pixels);
    for (let i = 0; i < pixels; i++) {
      src[i] = data[4 * i] / 255;
      src[pixels + i] = data[4 * i + 1] / 255;
      src[2 * pixels + i] = data[4 * i + 2] / 255;
    }
    const ratio = Math.min(SEEN / Math.max(width, height), 1);
    const found = await this.session.run(
      {
        src: new this.ort.Tensor("float32", src, [1, 3, height, width]),
        downsample_ratio: new this.ort.Tensor("float32", new Float32Array([ratio]), [1]),
        ...this.states,
      },
      this.outputs,
    );
    for (const name of STATES) {
      this.states[name + "i"].dispose?.();
      this.states[name + "i"] = found[name + "o"];
    }
    return found.pha.data;
  }
}
