/** One thing that somebody chose, and when, in ms since the epoch. */
export interface Choice {
	value: unknown;
	changed: number;
}
export type Choices = Record<string, Choice>;

/** Where the page keeps something that follows its person. */
export interface Kept {
	value: () => unknown;
	/** Takes what was chosen elsewhere; nonsense is left alone. */
	take: (value: unknown) => void;
}

export interface RoamingOptions {
	user: string;
	/** Keeps choices at the server, of two the newer one; answers all. */
	merge: (choices: Choices) => Promise<Choices>;
	storage: Pick<Storage, "getItem" | "setItem"> | null;
	now: () => number;
	/** How long after a choice it goes to the server, in ms. */
	rest?: number;
}

/**
 * Roaming lets what a person chose follow them to another browser: language,
 * look, keys. The page works from its own storage; the server keeps the newer
 * of two choices, and says so at sign-in. Only what this person chose is sent:
 * a browser may be shared.
 */
export class Roaming {
	#kept = new Map<string, Kept>();
	/** When this person chose each, here or as the server said. */
	#times: Record<string, number>;
	/** What the server had for parts that were not there yet. */
	#waiting: Choices = {};
	#dirty = new Set<string>();
	#synced: "no" | "yes" = "no";
	#over = false;
	#timer: ReturnType<typeof setTimeout> | undefined;
	readonly #store: string;

	constructor(private readonly options: RoamingOptions) {
		this.#store = `callfloor.chosen.${options.user}`;
		this.#times = this.#load();
	}

	/**
	 * Adds something that follows. What the server had for it is taken at once;
	 * what was chosen here, and perhaps not heard before a reload, is told.
	 */
	join(name: string, kept: Kept): void {
		this.#kept.set(name, kept);
		const waiting = this.#waiting[name];
		delete this.#waiting[name];
		if (waiting) this.#take(name, waiting);
		if (this.#synced === "yes" && this.#times[name] !== undefined) this.#later(name);
	}

	/** The person chose; it goes to the server after a short rest. */
	changed(name: string): void {
		this.#times[name] = this.options.now();
		this.#save();
		this.#later(name);
	}

	#later(name: string): void {
		this.#dirty.add(name);
		clearTimeout(this.#timer);
		this.#timer = setTimeout(() => void this.sync([...this.#dirty]), this.options.rest ?? 500);
	}

	/** Tells the server what was chosen here and takes what was chosen later elsewhere. A server that is away is asked again with the next choice, or sign-in. */
	async sync(names: string[] = [...this.#kept.keys()]): Promise<void> {
		this.#synced = "yes";
		const own: Choices = {};
		for (const name of names) {
			const changed = this.#times[name];
			const kept = this.#kept.get(name);
			if (changed !== undefined && kept) own[name] = { value: kept.value(), changed };
		}
		try {
			const all = await this.options.merge(own);
			if (this.#over) return; // somebody else may be signed in
			for (const name of Object.keys(own)) if (this.#times[name] === own[name]?.changed) this.#dirty.delete(name);
			for (const [name, choice] of Object.entries(all)) this.#take(name, choice);
		} catch (error) {
			console.warn("what was chosen could not be kept at the server", error);
		}
	}

	stop(): void {
		this.#over = true;
		clearTimeout(this.#timer);
	}

	#take(name: string, choice: Choice): void {
		const kept = this.#kept.get(name);
		if (!kept) {
			this.#waiting[name] = choice;
			return;
		}
		if (choice.changed <= (this.#times[name] ?? -1)) return;
		this.#times[name] = choice.changed;
		this.#save();
		kept.take(choice.value);
	}

	#load(): Record<string, number> {
		try {
			const kept: unknown = JSON.parse(this.options.storage?.getItem(this.#store) ?? "{}");
			if (typeof kept !== "object" || kept === null) return {};
			return Object.fromEntries(Object.entries(kept).filter(([, at]) => typeof at === "number"));
		} catch {
			return {};
		}
	}

	#save(): void {
		try {
			this.options.storage?.setItem(this.#store, JSON.stringify(this.#times));
		} catch {
			// A browser that keeps nothing: the server does.
		}
	}
}
