import type { Change, Snapshot, Welcome } from "./protocol.ts";
import { Cell, type Value } from "./value.ts";
import type {
	AgentView,
	AlertView,
	CallView,
	EchoView,
	FloorCallView,
	FlowCallView,
	ListenView,
	MeView,
	ParkedView,
	QueueView,
	TagGroup,
	TagsView,
	TaskView,
} from "./views.ts";

/** What the server says the seat sees; every view is drawn from it. */
export interface Doc {
	readonly me: MeView | null;
	readonly call: CallView | null;
	/** The agent's other call: ringing beside the one in front, on hold because of it, or to be wrapped up after it. */
	readonly other: CallView | null;
	readonly listen: ListenView | null;
	readonly echo: EchoView | null;
	readonly flowCall: FlowCallView | null;
	readonly agents: readonly AgentView[];
	readonly queues: readonly QueueView[];
	readonly alerts: readonly AlertView[];
	readonly calls: readonly FloorCallView[];
	readonly parked: readonly ParkedView[];
	readonly tasks: readonly TaskView[];
	/** What a call can be tagged with in wrap-up. */
	readonly tags: readonly TagGroup[];
}

export const EMPTY_DOC: Doc = {
	me: null,
	call: null,
	other: null,
	listen: null,
	echo: null,
	flowCall: null,
	agents: [],
	queues: [],
	alerts: [],
	calls: [],
	parked: [],
	tasks: [],
	tags: [],
};

/** Which list of the document a key with a slash belongs to. */
const LISTS = {
	agent: "agents",
	queue: "queues",
	alert: "alerts",
	floor: "calls",
	parked: "parked",
	task: "tasks",
} as const;
/** And what each key without one is in it. */
const ONES: Record<string, (value: unknown) => Partial<Doc>> = {
	me: (value) => ({ me: (value as MeView | undefined) ?? null }),
	call: (value) => ({ call: (value as CallView | undefined) ?? null }),
	other: () => ({}), // see apart
	listen: (value) => ({ listen: (value as ListenView | undefined) ?? null }),
	echo: (value) => ({ echo: (value as EchoView | undefined) ?? null }),
	flow_call: (value) => ({ flowCall: (value as FlowCallView | undefined) ?? null }),
	tags: (value) => ({ tags: (value as TagsView | undefined)?.groups ?? [] }),
};

/** The call that rings, alone or beside another one. */
export function ringing(doc: Doc): CallView | null {
	return [doc.call, doc.other].find((c) => c?.phase === "ringing") ?? null;
}

/**
 * DocStore applies the server's snapshots and numbered changes.
 *
 *	empty ──snapshot──► whole ──change n+1──► whole
 *	                      │ ▲
 *	              a gap   ▼ │ snapshot
 *	                    broken
 *
 * Of a busy floor come hundreds of changes a second: lists are shown in rests (pace.ts), one's own call at once, and with it all
 * that came before, so that what is shown is always what the server said up to some change.
 */
export class DocStore {
	#state: "empty" | "whole" | "broken" = "empty";
	#epoch = "";
	#seq = 0;
	#keys = new Map<string, unknown>();
	/** The keys of each list, as they came; and what changed since it was shown. */
	#lists = new Map<string, Set<string>>();
	#changed = new Set<string>();
	#asked: "no" | "yes" = "no";
	#doc = new Cell<Doc>(EMPTY_DOC);

	/** frame runs something before the next picture; without it every change is shown at once. */
	constructor(private readonly frame: (run: () => void) => void = (run) => run()) {}

	get doc(): Value<Doc> {
		return this.#doc;
	}

	/** What Hello says to go on where we were; empty asks for a snapshot. */
	resume(): { epoch?: string; seq?: number } {
		return this.#state === "whole" && this.#epoch !== "" ? { epoch: this.#epoch, seq: this.#seq } : {};
	}

	/** A new epoch is another life of the server: its numbers start anew. */
	welcome(message: Welcome): "same" | "new" {
		if (message.epoch === this.#epoch) return "same";
		const first = this.#epoch === "";
		this.#epoch = message.epoch;
		if (!first) this.#state = "broken";
		return "new";
	}

	snapshot(message: Snapshot): void {
		this.#state = "whole";
		this.#seq = message.seq;
		this.#keys.clear();
		this.#lists.clear();
		for (const [key, value] of Object.entries(message.doc)) this.#set(key, value);
		for (const name of [...Object.keys(LISTS), ...Object.keys(ONES)]) this.#changed.add(name);
		this.flush();
	}

	/** Applies a change; "gap" means that changes are missing: resynchronise. */
	change(message: Change): "applied" | "old" | "gap" {
		if (this.#state !== "whole") return "gap";
		if (message.seq <= this.#seq) return "old";
		if (message.seq !== this.#seq + 1) {
			this.#state = "broken";
			return "gap";
		}
		this.#seq = message.seq;
		this.#set(message.key, message.value);
		if (!message.key.includes("/")) this.flush();
		else if (this.#asked === "no") {
			this.#asked = "yes";
			this.frame(() => this.flush());
		}
		return "applied";
	}

	/** Shows what came and is not shown yet. */
	flush(): void {
		this.#asked = "no";
		if (this.#changed.size === 0) return;
		const doc = { ...this.#doc.now };
		for (const name of this.#changed) {
			const list = LISTS[name as keyof typeof LISTS];
			Object.assign(doc, list ? { [list]: this.#list(name) } : ONES[name]?.(this.#keys.get(name)));
		}
		this.#changed.clear();
		this.#doc.set({ ...doc, other: apart(doc.call, (this.#keys.get("other") as CallView | undefined) ?? null) });
	}

	/** Forgets everything: signed out. */
	clear(): void {
		this.#state = "empty";
		this.#epoch = "";
		this.#seq = 0;
		this.#keys.clear();
		this.#lists.clear();
		this.#changed.clear();
		this.#doc.set(EMPTY_DOC);
	}

	#set(key: string, value: unknown): void {
		const slash = key.indexOf("/");
		const name = slash < 0 ? key : key.slice(0, slash);
		const gone = value === null || value === undefined;
		if (gone) this.#keys.delete(key);
		else this.#keys.set(key, value);
		this.#changed.add(name);
		if (slash < 0) return;
		const keys = this.#lists.get(name) ?? new Set();
		this.#lists.set(name, keys);
		if (gone) keys.delete(key);
		else keys.add(key);
	}

	/** All values of a list, in the order of their keys, so that rows stay where they are. */
	#list(name: string): unknown[] {
		return [...(this.#lists.get(name) ?? [])].sort().map((key) => this.#keys.get(key));
	}
}

/** The other call; between two changes it can be the one in front, which has just come from there. */
function apart(call: CallView | null, other: CallView | null): CallView | null {
	return other && other.contact !== call?.contact ? other : null;
}
