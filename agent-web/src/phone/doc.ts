import type {
	AgentView,
	AlertView,
	CallView,
	Change,
	EchoView,
	FloorCallView,
	FlowCallView,
	ListenView,
	MeView,
	ParkedView,
	QueueView,
	Snapshot,
	TagGroup,
	TagsView,
	TaskView,
	Welcome,
} from "./protocol.ts";
import { Cell, type Value } from "./value.ts";

/** What the server says the seat sees; every view is drawn from it. */
export interface Doc {
	readonly me: MeView | null;
	readonly call: CallView | null;
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

/**
 * DocStore applies the server's snapshots and numbered changes.
 *
 *	empty ──snapshot──► whole ──change n+1──► whole
 *	                      │ ▲
 *	              a gap   ▼ │ snapshot
 *	                    broken
 */
export class DocStore {
	#state: "empty" | "whole" | "broken" = "empty";
	#epoch = "";
	#seq = 0;
	#keys: Record<string, unknown> = {};
	#doc = new Cell<Doc>(EMPTY_DOC);

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
		this.#keys = { ...message.doc };
		this.#publish();
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
		if (message.value === null || message.value === undefined) delete this.#keys[message.key];
		else this.#keys[message.key] = message.value;
		this.#publish();
		return "applied";
	}

	/** Forgets everything: signed out. */
	clear(): void {
		this.#state = "empty";
		this.#epoch = "";
		this.#seq = 0;
		this.#keys = {};
		this.#doc.set(EMPTY_DOC);
	}

	#publish(): void {
		const keys = this.#keys;
		this.#doc.set({
			me: (keys.me as MeView | undefined) ?? null,
			call: (keys.call as CallView | undefined) ?? null,
			listen: (keys.listen as ListenView | undefined) ?? null,
			echo: (keys.echo as EchoView | undefined) ?? null,
			flowCall: (keys.flow_call as FlowCallView | undefined) ?? null,
			agents: family<AgentView>(keys, "agent/"),
			queues: family<QueueView>(keys, "queue/"),
			alerts: family<AlertView>(keys, "alert/"),
			calls: family<FloorCallView>(keys, "floor/"),
			parked: family<ParkedView>(keys, "parked/"),
			tasks: family<TaskView>(keys, "task/"),
			tags: (keys.tags as TagsView | undefined)?.groups ?? [],
		});
	}
}

/** All values under a prefix, in the order of their keys, so that rows stay where they are. */
function family<T>(keys: Record<string, unknown>, prefix: string): T[] {
	return Object.keys(keys)
		.filter((key) => key.startsWith(prefix) && keys[key] != null)
		.sort()
		.map((key) => keys[key] as T);
}
