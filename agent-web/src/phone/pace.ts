/** How long lists rest after they were drawn, in ms: nobody reads faster. */
const REST_MS = 200;
/** How long they wait after a key or a click, in ms: what that did is drawn first. */
const AFTER_MS = 80;
/** The longest that they wait, in ms, however a person types. */
const MOST_MS = 1000;

/**
 * Pace is when lists that change all the time are drawn: with the next picture where
 * nothing was drawn for a while, on a busy floor five times a second, and not in the
 * picture that answers a key.
 */
export class Pace {
	#drawn = Number.NEGATIVE_INFINITY;
	#touched = Number.NEGATIVE_INFINITY;

	/** frame runs something before the next picture; hidden: nobody sees the page, so nothing waits. */
	constructor(
		private readonly frame: (run: () => void) => void,
		private readonly hidden: () => boolean,
	) {}

	/** A key or a click. */
	touched(): void {
		this.#touched = performance.now();
	}

	/** Runs run before a picture that is due. */
	soon = (run: () => void, asked = performance.now()): void => {
		const wait = this.#until(Math.max(this.#drawn + REST_MS, this.#touched + AFTER_MS), asked);
		if (wait > 0) setTimeout(() => this.soon(run, asked), wait);
		else
			this.frame(() => {
				// A key since then has this picture for itself.
				if (this.#until(this.#touched + AFTER_MS, asked) > 0) return this.soon(run, asked);
				this.#drawn = performance.now();
				run();
			});
	};

	/** How long it is until then, in ms: never past the most, and nothing on a page that nobody sees. */
	#until(then: number, asked: number): number {
		return this.hidden() ? 0 : Math.min(then, asked + MOST_MS) - performance.now();
	}
}
