/** How much of the mask before stays, so that the edge does not flicker. */
const KEPT = 0.35;
/** Below the first it is background, above the second the person; between them the edge is soft. */
const EDGE = [0.35, 0.7] as const;
/** What finding the person may take of the time between two frames, in ms; beyond it, every other frame has the mask before. */
const BUDGET_MS = 18;
const MOST_SKIPPED = 5;

/**
 * Mask is where the person is, as the alpha of a picture, smoothed over time.
 * It also says how often the person is looked for, so that the frame rate holds
 * on a slow machine.
 */
export class Mask {
	readonly #surely: Float32Array;
	#cost = 0;
	#skipped = Number.POSITIVE_INFINITY;

	constructor(
		readonly width: number,
		readonly height: number,
	) {
		this.#surely = new Float32Array(width * height);
	}

	/** Whether this frame is one to look for the person in. */
	due(): boolean {
		const skip = Math.min(MOST_SKIPPED, Math.floor(this.#cost / BUDGET_MS));
		return this.#skipped++ >= skip;
	}

	/** Takes what was found in ms and writes it into the alpha of pixels. */
	take(found: Float32Array, ms: number, pixels: Uint8ClampedArray): void {
		this.#cost = this.#cost === 0 ? ms : 0.8 * this.#cost + 0.2 * ms;
		const first = this.#skipped === Number.POSITIVE_INFINITY;
		this.#skipped = 0;
		const surely = this.#surely;
		const kept = first ? 0 : KEPT;
		for (let i = 0; i < surely.length; i++) {
			const now = kept * (surely[i] ?? 0) + (1 - kept) * (found[i] ?? 0);
			surely[i] = now;
			pixels[4 * i + 3] = 255 * soft(now);
		}
	}
}

/** 0 below the edge, 1 above it, and smooth between. */
export function soft(surely: number): number {
	const [from, to] = EDGE;
	const x = Math.min(1, Math.max(0, (surely - from) / (to - from)));
	return x * x * (3 - 2 * x);
}
