import { loadRnnoise, RnnoiseWorkletNode } from "@sapphi-red/web-noise-suppressor";
import url from "@sapphi-red/web-noise-suppressor/rnnoise.wasm?url";
import simdUrl from "@sapphi-red/web-noise-suppressor/rnnoise_simd.wasm?url";
import worklet from "@sapphi-red/web-noise-suppressor/rnnoiseWorklet.js?url";
import type { Suppressing } from "./suppress.ts";

/** The worklet's WebAssembly starts by itself after its node was made; until then it gives zeros. */
const START_MS = 3000;

let binary: Promise<ArrayBuffer> | undefined;
const modules = new WeakMap<AudioContext, Promise<void>>();

/**
 * Quietens a track with RNNoise in an AudioWorklet: 20 ms later, voice stays.
 * Waits until the context runs and the suppressed sound flows.
 */
export async function quieten(context: AudioContext, track: MediaStreamTrack): Promise<Suppressing> {
	await running(context);
	const wasmBinary = await load(context);
	const source = context.createMediaStreamSource(new MediaStream([track]));
	const node = new RnnoiseWorkletNode(context, { maxChannels: 1, wasmBinary });
	const mono = new GainNode(context, { channelCount: 1, channelCountMode: "explicit" });
	const out = context.createMediaStreamDestination();
	const watch = new AnalyserNode(context, { fftSize: 1024 });
	source.connect(mono);
	mono.connect(node).connect(out);
	node.connect(watch);
	const stop = () => {
		for (const n of [source, mono, node, watch]) n.disconnect();
		node.destroy();
		for (const t of out.stream.getTracks()) t.stop();
	};
	try {
		await flowing(watch, track);
	} catch (error) {
		stop();
		throw error;
	}
	watch.disconnect();
	const left = out.stream.getAudioTracks()[0];
	if (!left) throw new Error("the browser gave a destination without a track");
	return {
		track: left,
		stop,
	};
}

/** Loads what it needs, once for all; what failed is tried again the next time. */
async function load(context: AudioContext): Promise<ArrayBuffer> {
	binary ??= loadRnnoise({ url, simdUrl });
	const module = modules.get(context) ?? context.audioWorklet.addModule(worklet);
	modules.set(context, module);
	try {
		const [loaded] = await Promise.all([binary, module]);
		return loaded;
	} catch (error) {
		binary = undefined;
		modules.delete(context);
		throw error;
	}
}

/** A context may sleep until the page was touched. */
function running(context: AudioContext): Promise<void> {
	if (context.state === "running") return Promise.resolve();
	return new Promise((done) => {
		const look = () => {
			if (context.state !== "running") return;
			context.removeEventListener("statechange", look);
			done();
		};
		context.addEventListener("statechange", look);
	});
}

/** Waits for the first sound that is not zero; a microphone that is silent itself has none. */
async function flowing(watch: AnalyserNode, track: MediaStreamTrack): Promise<void> {
	const samples = new Float32Array(watch.fftSize);
	const until = performance.now() + START_MS;
	while (performance.now() < until && track.readyState === "live") {
		watch.getFloatTimeDomainData(samples);
		if (samples.some((s) => s !== 0)) return;
		await new Promise((done) => setTimeout(done, 20));
	}
	if (track.readyState !== "live") throw new Error("the microphone went away");
}
