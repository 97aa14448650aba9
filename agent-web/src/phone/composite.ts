import { Mask } from "./mask.ts";
import type { Segmenter } from "./segment.ts";

/** The background is blurred at this height and made large again: a blur needs no detail, and costs little so. */
const SMALL = 90;
const SMALL_BLUR = "blur(2.5px)";

type Context = OffscreenCanvasRenderingContext2D;

/** Composite draws frames with what is behind the person blurred. Without a segmenter all of a frame is. */
export class Composite {
	readonly #out = context(1, 1);
	readonly #small = context(1, 1);
	readonly #mask: Context;
	readonly #soft: Mask | null;

	constructor(private readonly segmenter: Segmenter | null) {
		this.#mask = context(segmenter?.width ?? 1, segmenter?.height ?? 1, { willReadFrequently: true });
		this.#soft = segmenter ? new Mask(segmenter.width, segmenter.height) : null;
		this.#alpha = this.#mask.createImageData(this.#mask.canvas.width, this.#mask.canvas.height);
	}

	/** The mask as a picture: only its alpha counts. */
	readonly #alpha: ImageData;
	readonly #cut = context(1, 1);

	/** Draws one frame; the canvas is overwritten by the next. The frame is read once: that is its dearest part. */
	draw(frame: VideoFrame): OffscreenCanvas {
		const { displayWidth: width, displayHeight: height } = frame;
		const out = this.#out;
		fit(out, width, height);
		out.drawImage(frame, 0, 0, width, height);
		const small = this.#small;
		fit(small, Math.round((SMALL * width) / height), SMALL);
		small.filter = SMALL_BLUR;
		small.drawImage(out.canvas, 0, 0, small.canvas.width, small.canvas.height);
		if (this.segmenter && this.#soft) this.#cutOut(this.segmenter, this.#soft);
		out.drawImage(small.canvas, 0, 0, width, height);
		if (this.#soft) out.drawImage(this.#cut.canvas, 0, 0);
		return out.canvas;
	}

	/** Cuts the person out of what was drawn. */
	#cutOut(segmenter: Segmenter, soft: Mask): void {
		const { canvas } = this.#out;
		if (soft.due()) {
			const from = performance.now();
			this.#mask.drawImage(canvas, 0, 0, segmenter.width, segmenter.height);
			const { data } = this.#mask.getImageData(0, 0, segmenter.width, segmenter.height);
			soft.take(segmenter.run(data), performance.now() - from, this.#alpha.data);
		}
		this.#mask.putImageData(this.#alpha, 0, 0);
		const cut = this.#cut;
		fit(cut, canvas.width, canvas.height);
		cut.globalCompositeOperation = "copy";
		cut.drawImage(this.#mask.canvas, 0, 0, canvas.width, canvas.height);
		cut.globalCompositeOperation = "source-in";
		cut.drawImage(canvas, 0, 0);
	}
}

function context(width: number, height: number, settings?: CanvasRenderingContext2DSettings): Context {
	const made = new OffscreenCanvas(width, height).getContext("2d", settings);
	if (!made) throw new Error("the browser gives no canvas to draw on");
	return made;
}

/** A canvas that is set to its own size loses what is on it, and time. */
function fit({ canvas }: Context, width: number, height: number): void {
	if (canvas.width !== width) canvas.width = width;
	if (canvas.height !== height) canvas.height = height;
}
