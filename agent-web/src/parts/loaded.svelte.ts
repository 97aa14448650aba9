import type { App } from "../state/app.svelte.ts";

/** Loaded is something that a view fetches: what came last, and why nothing came since. */
export class Loaded<T> {
	/** null before the first answer. */
	now = $state.raw<T | null>(null);
	/** Why the last try failed, in words; "" when it did not. */
	trouble = $state("");
	#turn = 0;

	constructor(
		private readonly app: Pick<App, "why">,
		private readonly fetch: () => Promise<T>,
	) {}

	/** Fetches it. Of several that are on their way the one that was asked for last counts. */
	load = async (): Promise<void> => {
		const turn = ++this.#turn;
		try {
			const found = await this.fetch();
			if (turn !== this.#turn) return;
			this.now = found;
			this.trouble = "";
		} catch (error) {
			if (turn === this.#turn) this.trouble = this.app.why(error);
		}
	};
}
