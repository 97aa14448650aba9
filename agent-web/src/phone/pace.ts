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
		const wait = Math.max(this.#drawn + REST_MS, this.#touched + AFTER_MS) - performance.now();
		const most = asked + MOST_MS - performance.now();
		if (wait > 0 && most > 0 && !this.hidden()) setTimeout(() => this.soon(run, asked), Math.min(wait, most));
		else
			this.frame(() => {
				this.#drawn = performance.now();
				run();
			});
	};
}
