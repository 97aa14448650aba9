import type { BlurFigures, BlurWay } from "./blur.ts";
import { Composite } from "./composite.ts";
import { type Segmenter, segmenter } from "./segment.ts";

/** What the page asks for: frames in, frames out. */
export interface BlurWork {
	frames: ReadableStream<VideoFrame>;
	blurred: WritableStream<VideoFrame>;
	/** Where the segmentation's program and its model are. */
	wasm: string;
	model: string;
}

export type BlurWord = { says: "way"; way: BlurWay } | ({ says: "figures" } & BlurFigures);

// A worker's own scope; the project's types are those of a page.
const scope = self as unknown as {
	postMessage(word: BlurWord): void;
	onmessage: ((event: MessageEvent<BlurWork>) => void) | null;
};

scope.onmessage = ({ data }) => void work(data);

async function work({ frames, blurred, wasm, model }: BlurWork): Promise<void> {
	const composite = new Composite(await load(wasm, model));
	const figures = new Figures();
	const draw = new TransformStream<VideoFrame, VideoFrame>({
		transform(frame, out) {
			const from = performance.now();
			try {
				out.enqueue(new VideoFrame(composite.draw(frame), { timestamp: frame.timestamp, alpha: "discard" }));
			} finally {
				frame.close();
			}
			figures.take(from, performance.now());
		},
	});
	await frames.pipeThrough(draw).pipeTo(blurred);
}

/** null where the person cannot be told from the rest: then all is blurred, and the page says so. */
async function load(wasm: string, model: string): Promise<Segmenter | null> {
	const bytes = async (url: string) => {
		const answer = await fetch(url);
		if (!answer.ok) throw new Error(`${url} could not be loaded: ${answer.status}`);
		return answer.arrayBuffer();
	};
	try {
		const [program, weights] = await Promise.all([bytes(wasm), bytes(model)]);
		const made = await segmenter(program, weights);
		scope.postMessage({ says: "way", way: "person" });
		return made;
	} catch (error) {
		console.warn("the person cannot be told from the background", error);
		scope.postMessage({ says: "way", way: "whole" });
		return null;
	}
}

/** What a frame costs and how many there are, once a second. */
class Figures {
	#since = 0;
	#frames = 0;
	#ms = 0;

	take(from: number, to: number): void {
		if (this.#since === 0) this.#since = from;
		this.#frames++;
		this.#ms += to - from;
		const passed = to - this.#since;
		if (passed < 1000) return;
		scope.postMessage({
			says: "figures",
			ms: this.#ms / this.#frames,
			framesPerSecond: (1000 * this.#frames) / passed,
		});
		this.#since = to;
		this.#frames = this.#ms = 0;
	}
}
