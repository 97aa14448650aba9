import { createContext } from "svelte";
import { ApiError } from "../api/client.ts";
import type { FlowCheck, FlowDetail, FlowProblem, FlowsApi, PromptSummary } from "../api/flows.ts";
import type { Change } from "./edit.ts";
import { apply } from "./edit.ts";
import type { Graph } from "./graph.ts";
import { Kinds } from "./kinds.ts";
import { type FlowNode, type FlowText, nodeAtLine, readFlow } from "./text.ts";
import type { YamlEditor } from "./yaml-editor.ts";

/** How long the text rests before the server is asked about it. */
const REST_MS = 250;
const CALLERS_MS = 2000;

export type Load = { at: "loading" } | { at: "failed"; error: unknown; missing: boolean } | { at: "here" };

/**
 * Editing is one flow on the page. The text is the truth: the graph, the list and the form are drawn from it and edit
 * it; the server says where things stand and what is wrong.
 */
export class Editing {
	load = $state.raw<Load>({ at: "loading" });
	/** What is published, as the draft began. */
	detail = $state.raw<FlowDetail | null>(null);
	text = $state("");
	kinds = $state.raw(new Kinds([]));
	prompts = $state.raw<PromptSummary[]>([]);
	check = $state.raw<FlowCheck | null>(null);
	/** Whether check is about this very text. */
	checked = $state<"yes" | "no" | "failed">("no");
	selected = $state("");
	/** Where a call that is tried out stands. */
	here = $state("");
	callers = $state.raw<ReadonlyMap<string, number>>(new Map());
	/** A draft of an earlier visit was taken up. */
	restored = $state<"yes" | "no">("no");
	readonly flow: FlowText = $derived(readFlow(this.text, this.kinds));
	editor: YamlEditor | null = null;
	#timer: ReturnType<typeof setTimeout> | undefined;
	#poll: ReturnType<typeof setInterval> | undefined;
	#asked = 0;
	#closed = false;

	constructor(
		readonly api: FlowsApi,
		readonly name: string,
	) {}

	get changed(): boolean {
		return this.detail !== null && this.text !== this.detail.text;
	}

	get graph(): Graph | null {
		return this.check?.graph ?? this.detail?.graph ?? null;
	}

	get problems(): FlowProblem[] {
		return this.check?.problems ?? this.detail?.problems ?? [];
	}

	get node(): FlowNode | null {
		return this.flow.nodes.find((n) => n.id === this.selected) ?? null;
	}

	/** Whether what is wrong stands in this text, and not in a subflow. */
	mine(problem: FlowProblem): boolean {
		return problem.file === this.name || problem.file === `${this.name}.yaml`;
	}

	/** What is wrong with each node, for its card. */
	get trouble(): ReadonlyMap<string, string> {
		const found = new Map<string, string>();
		for (const p of this.problems) {
			const node = this.mine(p) ? nodeAtLine(this.flow, p.line) : null;
			if (node && !found.has(node.id)) found.set(node.id, p.message);
		}
		return found;
	}

	async open(): Promise<void> {
		this.load = { at: "loading" };
		try {
			const [detail, kinds] = await Promise.all([this.api.show(this.name), this.api.kinds()]);
			this.kinds = new Kinds(kinds);
			this.#begin(detail);
			this.load = { at: "here" };
		} catch (error) {
			const missing = error instanceof ApiError && error.status === 404;
			if (!missing) {
				this.load = { at: "failed", error, missing };
				return;
			}
			await this.#fresh();
		}
		if (this.#closed) return;
		void this.#lookAtCallers();
		this.#poll = setInterval(() => void this.#lookAtCallers(), CALLERS_MS);
		this.prompts = await this.api.prompts().catch(() => []);
	}

	close(): void {
		this.#closed = true;
		clearTimeout(this.#timer);
		clearInterval(this.#poll);
		this.#keep();
	}

	/** The published text once more: after a publication, or when a draft is thrown away. */
	async reload(keep: "draft" | "published"): Promise<void> {
		const draft = this.text;
		const detail = await this.api.show(this.name);
		if (keep === "published") forget(this.name);
		this.#begin(detail);
		if (keep === "draft") this.#set(draft);
		else this.editor?.replace(detail.text);
	}

	/** The text changed in the editor. */
	edited(text: string): void {
		if (text !== this.text) this.#set(text);
	}

	/** The graph or the form edits the text. */
	change(changes: readonly Change[]): void {
		if (changes.length === 0) return;
		if (this.editor) this.editor.change(changes);
		else this.#set(apply(this.text, changes));
	}

	/** The cursor moved in the text: the node it stands in is the selected one. */
	moved(offset: number): void {
		const line = this.text.slice(0, offset).split("\n").length;
		const node = nodeAtLine(this.flow, line);
		if (node) this.selected = node.id;
		this.mark("stay");
	}

	select(id: string): void {
		this.selected = id;
		this.mark("scroll");
	}

	mark(scroll: "scroll" | "stay"): void {
		this.editor?.point(this.node ? this.node.entry.pair : null, scroll);
	}

	/** A name for a new node that no other one has. */
	freeName(kind: string): string {
		const taken = new Set(this.flow.nodes.map((n) => n.id));
		if (!taken.has(kind)) return kind;
		for (let i = 2; ; i++) if (!taken.has(`${kind}${i}`)) return `${kind}${i}`;
	}

	/** What a prompt says, in a language or else in any. */
	promptText(reference: string, language: string): string {
		const [first, second] = reference.split("/");
		const id = second ?? first;
		const prompt = this.prompts.find((p) => p.id === id);
		const wanted = second ? first : language;
		return (prompt?.languages?.find((l) => l.language === wanted) ?? prompt?.languages?.[0])?.text ?? "";
	}

	/** Asks the server about the text as it is, now. */
	async ask(): Promise<void> {
		clearTimeout(this.#timer);
		const turn = ++this.#asked;
		try {
			const check = await this.api.check(this.name, this.text);
			if (turn !== this.#asked) return;
			this.check = check;
			this.checked = "yes";
			this.#mark();
		} catch {
			if (turn === this.#asked) this.checked = "failed";
		}
	}

	#mark(): void {
		const marks = this.problems
			.filter((p) => this.mine(p))
			.map(({ line, column, message }) => ({ line, column, message }));
		this.editor?.marks(marks);
	}

	/** A flow that is not there yet begins with an example that works. */
	async #fresh(): Promise<void> {
		try {
			this.kinds = new Kinds(await this.api.kinds());
		} catch (error) {
			this.load = { at: "failed", error, missing: true };
			return;
		}
		const empty: Graph = { start: "", width: 0, height: 0, nodes: [], edges: [] };
		this.#begin({
			name: this.name,
			version: "",
			lines: [],
			uses: [],
			built_in: false,
			nodes: 0,
			callers: 0,
			wrong: 0,
			text: "",
			graph: empty,
			problems: [],
			tests: null,
			current: false,
		});
		if (this.text === "") this.#set(FIRST);
		this.load = { at: "here" };
	}

	#begin(detail: FlowDetail): void {
		this.detail = detail;
		const kept = recall(this.name);
		this.restored = kept !== null && kept !== detail.text ? "yes" : "no";
		this.#set(kept ?? detail.text);
	}

	#set(text: string): void {
		this.text = text;
		this.checked = "no";
		clearTimeout(this.#timer);
		if (this.#closed) return;
		this.#timer = setTimeout(() => {
			this.#keep();
			void this.ask();
		}, REST_MS);
	}

	#keep(): void {
		if (!this.detail) return;
		if (this.changed) remember(this.name, this.text);
		else forget(this.name);
	}

	async #lookAtCallers(): Promise<void> {
		const all = await this.api.callers().catch(() => null);
		if (!all) return;
		const count = new Map<string, number>();
		for (const c of all) if (c.flow === this.name) count.set(c.node, (count.get(c.node) ?? 0) + c.callers);
		this.callers = count;
	}
}

const FIRST =
	"start: welcome\nnodes:\n  welcome: {kind: play, say: greeting, next: bye}\n  bye: {kind: hangup, say: goodbye}\n";

const key = (name: string) => `callfloor.flow.${name}`;

/** A draft is this browser's until it is published; one that keeps nothing loses it with the page. */
function recall(name: string): string | null {
	try {
		return localStorage.getItem(key(name));
	} catch {
		return null;
	}
}
function remember(name: string, text: string): void {
	try {
		localStorage.setItem(key(name), text);
	} catch {
		// full or forbidden
	}
}
function forget(name: string): void {
	try {
		localStorage.removeItem(key(name));
	} catch {
		// forbidden
	}
}

export const [getEditing, setEditing] = createContext<Editing>();
