import model from "@twilio/video-processors/dist/build/selfie_segmentation_landscape.tflite?url";
import wasm from "@twilio/video-processors/dist/build/tflite-simd-1-0-0.wasm?url";
import type { BlurFigures, Blurring, BlurWay } from "./blur.ts";
import type { BlurWord, BlurWork } from "./blur.worker.ts";
import { Cell } from "./value.ts";

/** Frames of a track, and a track of frames (mediacapture-transform as Chromium has it); TypeScript's DOM does not know them. */
interface Transform {
	MediaStreamTrackProcessor: new (init: {
		track: MediaStreamTrack;
		maxBufferSize: number;
	}) => {
		readable: ReadableStream<VideoFrame>;
	};
	MediaStreamTrackGenerator: new (init: {
		kind: "video";
	}) => MediaStreamTrack & { writable: WritableStream<VideoFrame> };
}

/** How long the worker may take until it says which way it goes: it loads 3 MB from our own server. */
const LOAD_MS = 15_000;

/** Blurs what is behind the person, in a worker, frame by frame. A frame that comes while one is drawn replaces the one that waits. */
export async function blurStream(camera: MediaStreamTrack): Promise<Blurring> {
	const { MediaStreamTrackProcessor, MediaStreamTrackGenerator } = globalThis as unknown as Partial<Transform>;
	if (!MediaStreamTrackProcessor || !MediaStreamTrackGenerator)
		throw new Error("this browser gives no frames to a page");
	const copy = camera.clone();
	const worker = new Worker(new URL("./blur.worker.ts", import.meta.url), { type: "module" });
	const figures = new Cell<BlurFigures | null>(null);
	const { readable } = new MediaStreamTrackProcessor({ track: copy, maxBufferSize: 1 });
	const track = new MediaStreamTrackGenerator({ kind: "video" });
	const stop = () => {
		copy.stop();
		track.stop();
		worker.terminate();
	};
	const work: BlurWork = { frames: readable, blurred: track.writable, wasm, model };
	worker.postMessage(work, [work.frames, work.blurred]);
	try {
		return { track, way: await started(worker, figures), figures, stop };
	} catch (error) {
		stop();
		throw error;
	}
}

function started(worker: Worker, figures: Cell<BlurFigures | null>): Promise<BlurWay> {
	return new Promise((done, fail) => {
		const timer = setTimeout(() => fail(new Error("the blur did not start")), LOAD_MS);
		worker.onerror = (event) => {
			clearTimeout(timer);
			fail(new Error(`the blur's worker failed: ${event.message}`));
		};
		worker.onmessage = ({ data }: MessageEvent<BlurWord>) => {
			if (data.says === "figures") return figures.set({ ms: data.ms, framesPerSecond: data.framesPerSecond });
			clearTimeout(timer);
			done(data.way);
		};
	});
}
