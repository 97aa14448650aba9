/** One key and what it does. Keys are those of KeyboardEvent.key, letters in lower case. */
export interface Binding {
	key: string;
	run: () => void;
	/** Left out: always. */
	when?: () => boolean;
}

/** Keys runs what a key stands for; the binding that was added last goes first. */
export class Keys {
	#bindings: Binding[] = [];

	/** letters says whether single letters act at all (WCAG 2.1.4). */
	constructor(private readonly letters: () => "on" | "off") {}

	/** Adds bindings; returns the way out. */
	add(bindings: Binding[]): () => void {
		this.#bindings = [...bindings, ...this.#bindings];
		return () => {
			this.#bindings = this.#bindings.filter((b) => !bindings.includes(b));
		};
	}

	handle = (event: KeyboardEvent): void => {
		if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
		const target = event.target instanceof Element ? event.target : null;
		const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
		const inField = target?.matches("input, textarea, select, [contenteditable]") ?? false;
		if (inField && key !== "Escape") return;
		if (key.length === 1 && key !== "?" && this.letters() === "off") return;
		// Enter on one of the call's own buttons, or in an open menu, presses that; on any other it answers.
		if (key === "Enter" && target?.matches("[data-own-enter] button:not([aria-disabled])")) return;
		if (event.repeat) return;
		const binding = this.#bindings.find((b) => b.key === key && (b.when?.() ?? true));
		if (!binding) return;
		event.preventDefault();
		binding.run();
	};
}
