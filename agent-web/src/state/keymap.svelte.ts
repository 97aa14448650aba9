/** What a key can stand for, and its key unless the person chose another. */
export interface Keyed<A extends string> {
	readonly act: A;
	readonly key: string;
}

const STORE = "callfloor.keys.";
/** Keys that mean something else everywhere. */
const TAKEN = /^[0-9*#?]$/;

/**
 * KeyMap is which key does what, as the person at this browser chose (WCAG 2.1.4:
 * letters can be remapped and switched off). "" is no key.
 */
export class KeyMap<A extends string = string> {
	/** Told when the person chose other keys here. */
	changes: () => void = () => undefined;
	#chosen = $state<Record<string, string>>({});
	readonly #acts: readonly Keyed<A>[];
	readonly #store: string;

	constructor(user: string, acts: readonly Keyed<A>[]) {
		this.#acts = acts;
		this.#store = STORE + user;
		this.#chosen = load(this.#store);
	}

	of(act: A): string {
		return this.#chosen[act] ?? this.#acts.find((a) => a.act === act)?.key ?? "";
	}

	/** Who has a key. */
	owner(key: string): A | null {
		return this.#acts.find((a) => key !== "" && this.of(a.act) === key)?.act ?? null;
	}

	/** Gives an act another key, "" for none. It says what is in the way: the key is no single letter, or another act has it. */
	set(act: A, key: string): "ok" | "unfit" | A {
		const wanted = key.toLowerCase();
		if (wanted !== "" && (wanted.length !== 1 || TAKEN.test(wanted) || wanted.trim() === "")) return "unfit";
		const owner = this.owner(wanted);
		if (owner && owner !== act) return owner;
		this.#chosen = { ...this.#chosen, [act]: wanted };
		this.#save();
		return "ok";
	}

	reset(): void {
		this.#chosen = {};
		this.#save();
	}

	/** The keys that differ from the usual ones, for another browser. */
	get chosen(): Record<string, string> {
		return $state.snapshot(this.#chosen);
	}

	/** Takes the keys that the person chose in another browser. */
	take(value: unknown): void {
		this.#chosen = sane(value);
		this.#keep();
	}

	get changed(): boolean {
		return this.#acts.some((a) => this.of(a.act) !== a.key);
	}

	#save(): void {
		this.#keep();
		this.changes();
	}

	#keep(): void {
		try {
			localStorage.setItem(this.#store, JSON.stringify(this.#chosen));
		} catch {
			// A browser that keeps nothing: the choice lasts until the reload.
		}
	}
}

function load(store: string): Record<string, string> {
	try {
		return sane(JSON.parse(localStorage.getItem(store) ?? "{}"));
	} catch {
		return {};
	}
}

function sane(kept: unknown): Record<string, string> {
	if (typeof kept !== "object" || kept === null) return {};
	return Object.fromEntries(Object.entries(kept).filter(([, key]) => typeof key === "string" && key.length <= 1));
}
