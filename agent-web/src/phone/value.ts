/** Value is a readable value that tells its followers when it changes. */
export interface Value<T> {
	readonly now: T;
	/** Calls fn at once and at every change; returns the way out. */
	follow(fn: (value: T) => void): () => void;
}

/** Cell is a Value that its owner sets. */
export class Cell<T> implements Value<T> {
	#value: T;
	#followers = new Set<(value: T) => void>();

	constructor(value: T) {
		this.#value = value;
	}

	get now(): T {
		return this.#value;
	}

	set(value: T): void {
		if (Object.is(value, this.#value)) return;
		this.#value = value;
		for (const fn of [...this.#followers]) fn(value);
	}

	follow(fn: (value: T) => void): () => void {
		this.#followers.add(fn);
		fn(this.#value);
		return () => this.#followers.delete(fn);
	}
}
