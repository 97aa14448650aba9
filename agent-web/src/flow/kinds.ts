/** What the server says of each kind of node: ivr.Kinds, as /api/v1/flows/kinds has it. */
export interface Kind {
	kind: string;
	fields: KindField[];
}

export interface KindField {
	name: string;
	/**
	 * exit: the name of a node · exits: a mapping or a list whose entries lead to nodes · prompts: names of prompts ·
	 * name, text, time, count, bool, expression: one value · block: anything else, edited in the text.
	 */
	type: "exit" | "exits" | "prompts" | "name" | "text" | "time" | "count" | "bool" | "expression" | "block";
	/** How an entry of exits is written: "" the node's name alone, else the keys beside next ("label", "when", "percent"). */
	entry?: string;
	/** exits: a mapping by key or name, or a list. */
	list?: boolean;
}

/** Kinds answers what can stand in a node. An unknown kind has the fields that any node may have. */
export class Kinds {
	readonly names: string[];
	#fields = new Map<string, Map<string, KindField>>();

	constructor(list: readonly Kind[]) {
		this.names = list.map((k) => k.kind);
		for (const k of list) this.#fields.set(k.kind, new Map(k.fields.map((f) => [f.name, f])));
	}

	fields(kind: string): KindField[] {
		return [...(this.#fields.get(kind)?.values() ?? [])];
	}

	field(kind: string, name: string): KindField | null {
		return this.#fields.get(kind)?.get(name) ?? null;
	}
}
