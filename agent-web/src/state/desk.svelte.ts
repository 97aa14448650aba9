import { createContext } from "svelte";
import type { Call, Session } from "../api/types.ts";
import { ringing } from "../phone/doc.ts";
import type { Target, Verb } from "../phone/protocol.ts";
import type { CallView, TagGroup } from "../phone/views.ts";
import type { App } from "./app.svelte.ts";
import { CRM_ACTS, CrmDesk } from "./crm.svelte.ts";
import { KeyMap } from "./keymap.svelte.ts";
import type { Binding } from "./keys.ts";
import { noRoom, swappable } from "./lines.ts";
import type { Seat } from "./seat.svelte.ts";
import { isVideoAct, VIDEO_ACTS, VideoDesk } from "./video.svelte.ts";
import { Writing } from "./writing.svelte.ts";

/** The acts on a call, each with its key. */
export const ACTS = [
	{ act: "answer", key: "a", label: "call.answer" },
	{ act: "decline", key: "d", label: "call.decline" },
	{ act: "mute", key: "m", label: "call.mute" },
	{ act: "hold", key: "h", label: "call.hold.do" },
	{ act: "keypad", key: "k", label: "call.keypad" },
	{ act: "end", key: "e", label: "call.end" },
	{ act: "transfer", key: "t", label: "call.transfer" },
	{ act: "consult", key: "c", label: "call.consult" },
	{ act: "swap", key: "o", label: "call.swap" },
	{ act: "merge", key: "j", label: "call.merge" },
	{ act: "drop", key: "x", label: "call.drop" },
	{ act: "park", key: "p", label: "call.park" },
	{ act: "pickup", key: "u", label: "call.pickup" },
	{ act: "pause", key: "r", label: "call.pause" },
	{ act: "available", key: "g", label: "state.go" },
	{ act: "hand", key: "i", label: "state.hand" },
	{ act: "done", key: "w", label: "wrap.done" },
	{ act: "notes", key: ".", label: "wrap.want" },
	{ act: "headset", key: "s", label: "headset.open" },
	{ act: "out", key: "n", label: "out.open" },
	...VIDEO_ACTS,
	{ act: "waiting", key: ",", label: "waiting.act" },
	...CRM_ACTS,
] as const;
export type Act = (typeof ACTS)[number]["act"];

/** The tabs beside the call. */
export type Side = "customer" | "knowledge" | "phrases" | "crm";

/** The acts that need a customer on the line. */
const OF_TALK: ReadonlySet<Act> = new Set([
	"mute",
	"hold",
	"keypad",
	"transfer",
	"consult",
	"swap",
	"merge",
	"drop",
	"park",
	"pause",
]);

/**
 * Desk is what an agent can do now and why not: the buttons, the keys and the
 * bar on other pages all ask it, so they cannot disagree.
 */
export class Desk {
	/** Which overlay is open. */
	open = $state<"none" | "keypad" | "keys" | "side" | "headset" | "dial" | "out">("none");
	/** What the dial box is open for. */
	dialling = $state<"consult" | "transfer">("consult");
	/** What the number pad opens with. */
	wanted = $state.raw({ number: "", line: "" });
	/** What is shown beside the call. */
	side = $state<Side>("customer");
	readonly keymap: KeyMap<Act>;
	readonly video: VideoDesk;
	readonly crm: CrmDesk;
	/** What is written about the call. */
	readonly writing: Writing;
	recent = $state.raw<Call[]>([]);
	/** What people call a queue. */
	queueName = (id: string) => this.seat.doc.queues.find((q) => q.id === id)?.name || id;
	readonly #atWork: Map<string, string>;
	#names = $state.raw<Record<string, string>>({});
	/** What people call a user; the user where nobody has said. */
	personName = (user: string) => this.#atWork.get(user) || this.#names[user] || user;
	readonly #asked = new Set<string>();
	/** Learns what these are called, for views that name people who are not at work; of each it asks once. */
	async meet(users: (string | null | undefined)[]) {
		const strangers = users.filter((u) => u && !this.#asked.has(u)) as string[];
		if (strangers.length === 0) return;
		for (const user of strangers) this.#asked.add(user);
		try {
			this.#names = await this.app.api.names();
		} catch {
			// They are shown as users; the view that asked says what is wrong, if anything is.
			for (const user of strangers) this.#asked.delete(user);
		}
	}

	constructor(
		readonly app: App,
		readonly seat: Seat,
		readonly session: Session,
	) {
		this.#atWork = $derived(new Map(seat.doc.agents.map((a) => [a.user, a.name])));
		this.keymap = new KeyMap(session.user, ACTS);
		this.keymap.changes = () => app.roaming?.changed("keys");
		app.roaming?.join("keys", { value: () => this.keymap.chosen, take: (value) => this.keymap.take(value) });
		this.writing = new Writing(seat);
		this.video = new VideoDesk(app, seat);
		this.crm = new CrmDesk(app, seat, this);
	}

	/** The key of an act as its button shows it; none where letters are switched off. */
	key(act: Act): string | undefined {
		const key = this.keymap.of(act);
		return key && this.app.prefs.letters === "on" ? key.toUpperCase() : undefined;
	}

	get call(): CallView | null {
		return this.seat.doc.call;
	}

	/** The agent's other call. */
	get other(): CallView | null {
		return this.seat.doc.other;
	}

	/** What rings, alone or beside a call. */
	get ringing(): CallView | null {
		return ringing(this.seat.doc);
	}

	get live(): boolean {
		return this.seat.state.link.at === "live";
	}

	get takesCalls(): boolean {
		const { call, me } = this.seat.doc;
		// A supervisor who took a call over has one without serving a queue.
		return this.session.role === "agent" || call !== null || (me?.queues?.length ?? 0) > 0;
	}

	busy(verb: Verb): boolean {
		return this.seat.pending.has(verb);
	}

	/** Why an act makes no sense now; "" when it does. */
	whyNot(act: Act): string {
		const { t } = this.app;
		if (act === "crm") return this.crm.whyNot();
		if (!this.live) return t("why.link");
		if (isVideoAct(act)) return this.video.whyNot(act);
		const phase = this.call?.phase;
		if (this.#nobodyThere() && OF_TALK.has(act)) return t("why.task");
		switch (act) {
			case "answer":
				if (this.atTelephone) return t("why.telephone");
				return this.ringing ? "" : t("why.ringing");
			case "decline":
				return this.ringing ? "" : t("why.ringing");
			case "mute":
				if (phase === "hold" && this.call?.second?.state !== "talking") return t("why.notheld");
				return phase === "talking" || phase === "hold" ? "" : t("why.talking");
			case "keypad":
				if (phase === "hold") return t("why.notheld");
				return phase === "talking" ? "" : t("why.talking");
			case "hold":
				if (this.call?.helps) return t("why.helps");
				if (this.#lines()) return t("why.lines");
				return phase === "talking" || phase === "hold" ? "" : t("why.talking");
			case "end":
				return phase === "talking" || phase === "hold" || phase === "dialling" ? "" : t("why.talking");
			case "transfer":
			case "consult":
			case "swap":
			case "merge":
			case "drop":
			case "park":
			case "pause":
				return this.#whyNotHandOn(act);
			case "pickup":
				if (this.seat.doc.parked.length === 0) return t("why.noparked");
				return this.call?.phase === "wrap_up" && !this.other ? "" : this.#whyNoRoom();
			case "headset":
				return "";
			case "out":
				if ((this.seat.doc.me?.dial ?? []).length === 0) return t("why.nolines");
				return this.#whyNoRoom();
			case "waiting":
				return this.seat.doc.me?.telephone ? t("why.oneline") : "";
			case "done":
				return phase === "wrap_up" ? this.#whyNotDone() : t("why.wrapup");
			case "notes":
				if (this.call && this.call.wrap_up !== "optional") return t("why.nochoice");
				return phase === "talking" || phase === "hold" ? "" : t("why.talking");
			case "available":
				return this.#whyNotAvailable();
			case "hand":
				return this.seat.doc.me?.state === "offline" ? t("why.offline") : "";
		}
	}

	/** Why a wrap-up cannot be made longer: it can be before it could be done. */
	whyNotExtend(): string {
		if (!this.live) return this.app.t("why.link");
		if (this.call?.phase !== "wrap_up") return this.app.t("why.wrapup");
		return this.call.wrap_up === "mandatory" ? this.app.t("why.nolimit") : "";
	}

	/** A call rings that can be answered at the agent's telephone alone. What has no sound is answered here. */
	get atTelephone(): boolean {
		return this.call?.phase === "ringing" && !this.call.kind && this.seat.doc.me?.telephone === true;
	}

	/** Does it, if it makes sense now. */
	act(act: Act): void {
		if (this.whyNot(act) !== "") return;
		if (isVideoAct(act)) return this.video.act(act);
		const { phone } = this.seat;
		const run = this.app.run.bind(this.app);
		switch (act) {
			case "answer":
				if (!this.busy("answer")) void run(phone.answer());
				return;
			case "decline":
				return void run(phone.onCall("decline", { contact: this.ringing?.contact }));
			case "mute":
				return void run(phone.mute(!phone.muted));
			case "hold":
				return void run(phone.hold(!phone.held));
			case "keypad":
				this.open = this.open === "keypad" ? "none" : "keypad";
				return;
			case "end":
				return void run(phone.onCall("hangup"));
			case "transfer":
				if (this.#there()) return void run(phone.onCall("transfer"));
				return this.dial("transfer");
			case "consult":
				return this.dial("consult");
			case "swap":
			case "merge":
			case "drop":
			case "park":
				return void run(phone.onCall(act));
			case "pickup":
				return this.pickUp(this.seat.doc.parked.toSorted((a, b) => a.since.localeCompare(b.since))[0]?.contact ?? "");
			case "pause":
				return void run(phone.pause(!phone.paused));
			case "headset":
				return this.toggle("headset");
			case "crm":
				return this.crm.act();
			case "out":
				this.wanted = { number: "", line: "" };
				return this.toggle("out");
			case "waiting":
				this.app.prefs.waiting = this.app.prefs.waiting === "on" ? "off" : "on";
				return;
			case "available":
				if ("Notification" in window && Notification.permission === "default") void Notification.requestPermission();
				return void run(phone.setState("available"));
			case "hand":
				return void run(phone.raise(!phone.raised));
			case "done":
				return void this.#done();
			case "notes":
				return void run(phone.onCall("wrapup_want", { on: !this.call?.wrap_up_wanted }));
		}
	}

	bindings(): Binding[] {
		const acts = ACTS.map(({ act }) => ({
			key: this.keymap.of(act),
			run: () => this.act(act),
			when: () => this.takesCalls,
		})).filter(({ key }) => key !== "");
		const rings = () => this.whyNot("decline") === "";
		return [
			...acts,
			{ key: "Enter", run: () => this.act("answer"), when: rings },
			{ key: "Escape", run: () => this.close(), when: () => this.open !== "none" },
			{ key: "Escape", run: () => this.video.act("large"), when: () => this.video.size === "large" && !rings() },
			{ key: "Escape", run: () => this.act("decline"), when: () => this.open === "none" && rings() },
			{ key: "Escape", run: () => this.crm.back(), when: () => this.side === "crm" },
			{ key: "?", run: () => this.toggle("keys") },
		];
	}

	toggle(what: "keypad" | "keys" | "side" | "headset" | "out"): void {
		this.open = this.open === what ? "none" : what;
	}

	close(): void {
		this.open = "none";
	}

	/** Opens the dial box, or what it was open for changes. */
	dial(purpose: "consult" | "transfer"): void {
		this.dialling = purpose;
		this.open = "dial";
	}

	/** Asks somebody to come, or gives the call to them; why not, when the server says no. */
	async handOn(purpose: "consult" | "transfer", to: Target, note: string): Promise<string> {
		const failure = await this.seat.phone.onCall(purpose, note === "" ? { to } : { to, note });
		if (failure) return this.app.reason(failure.code, failure.message);
		if (this.open === "dial") this.close();
		return "";
	}

	/** Takes a call out of its parking place. */
	pickUp(contact: string): void {
		if (contact !== "" && this.whyNot("pickup") === "") void this.app.run(this.seat.phone.pickUp(contact));
	}

	/** The groups of tags that the call can have: a voicemail is tagged with nothing. */
	get tagGroups(): readonly TagGroup[] {
		return this.call?.kind === "voicemail" ? [] : this.seat.doc.tags;
	}

	/** The agent's last calls, for the list and the figures of today. */
	async loadRecent(): Promise<void> {
		this.recent = await this.app.api.calls({ agent: this.session.user, limit: 200 }).catch(() => this.recent);
	}

	async #done(): Promise<void> {
		const failure = await this.writing.done();
		if (!failure) return;
		this.app.fail(failure.code, failure.message);
		document.querySelector<HTMLElement>("[data-dispositions] button")?.focus();
	}

	/** Whether the call is a task without a customer on the line: a message that is listened to, or a callback not yet answered. */
	#nobodyThere(): boolean {
		const call = this.call;
		if (call?.phase !== "talking" && call?.phase !== "hold") return false;
		return call.kind === "voicemail" || (call.kind === "callback" && !call.answered);
	}

	#whyNoRoom(): string {
		const why = noRoom(this.seat.doc);
		return why && this.app.t(why);
	}

	/** Whether there are two lines to go between. */
	#lines(): boolean {
		const state = this.call?.second?.state;
		return state === "talking" || state === "waiting";
	}

	/** Whether the second one is there, so that the call can be left to them. */
	#there(): boolean {
		return this.#lines() || this.call?.second?.state === "joined";
	}

	#whyNotHandOn(act: "transfer" | "consult" | "swap" | "merge" | "drop" | "park" | "pause"): string {
		const { t } = this.app;
		const call = this.call;
		if (call?.phase !== "talking" && call?.phase !== "hold") return t("why.talking");
		if (act === "drop") return call.second ? "" : t("why.nosecond");
		if (call.helps) return t("why.helps");
		const name = call.second?.name ?? "";
		switch (act) {
			case "transfer":
				return call.second?.state === "ringing" ? t("why.second", { name }) : "";
			case "consult":
			case "park":
				if (act === "consult" && this.other) return t("why.twocalls");
				return call.second && call.second.state !== "failed" ? t("why.second", { name }) : "";
			case "swap":
				return this.#lines() || swappable(this.seat.doc) ? "" : t("why.nosecond");
			case "merge":
				if (this.other) return t("why.apart");
				return this.#lines() ? "" : t("why.nosecond");
			case "pause":
				return call.recording === "on" || call.recording === "paused" ? "" : t("why.notrecorded");
		}
	}

	#whyNotDone(): string {
		if (this.call?.wrap_up === "fixed") return this.app.t("why.fixed");
		const missing = this.tagGroups.filter((g) => g.required && (this.writing.tags[g.id] ?? []).length === 0);
		const groups = missing.map((g) => this.app.label(g)).join(", ");
		return groups === "" ? "" : this.app.t("why.tags", { groups });
	}

	#whyNotAvailable(): string {
		const me = this.seat.doc.me;
		const { t } = this.app;
		if (this.call) return t("state.go.call");
		if (me?.state === "available") return t("state.go.already");
		if (me && !me.ready && me.not_ready) return this.app.word("ready", me.not_ready);
		return "";
	}
}

export const [getDesk, setDesk] = createContext<Desk>();
