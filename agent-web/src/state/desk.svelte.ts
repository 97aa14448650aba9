import { createContext } from "svelte";
import type { Call, Session } from "../api/types.ts";
import type { CallView, Verb } from "../phone/protocol.ts";
import type { App } from "./app.svelte.ts";
import type { Binding } from "./keys.ts";
import type { Seat } from "./seat.svelte.ts";

/** The acts on a call, each with its key. */
export const ACTS = [
	{ act: "answer", key: "a", label: "call.answer" },
	{ act: "decline", key: "d", label: "call.decline" },
	{ act: "mute", key: "m", label: "call.mute" },
	{ act: "hold", key: "h", label: "call.hold.do" },
	{ act: "keypad", key: "k", label: "call.keypad" },
	{ act: "end", key: "e", label: "call.end" },
	{ act: "available", key: "g", label: "state.go" },
	{ act: "done", key: "w", label: "wrap.done" },
] as const;
export type Act = (typeof ACTS)[number]["act"];

/**
 * Desk is what an agent can do now and why not: the buttons, the keys and the
 * bar on other pages all ask it, so they cannot disagree.
 */
export class Desk {
	/** Which overlay is open. */
	open = $state<"none" | "keypad" | "keys" | "side" | "headset">("none");
	/** What was typed in wrap-up and is not at the server yet. */
	disposition = $state("");
	note = $state("");
	saved = $state<"saved" | "unsaved" | "saving">("saved");
	recent = $state.raw<Call[]>([]);
	#draftOf = "";
	#timer: ReturnType<typeof setTimeout> | undefined;

	constructor(
		readonly app: App,
		readonly seat: Seat,
		readonly session: Session,
	) {}

	get call(): CallView | null {
		return this.seat.doc.call;
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
		if (!this.live) return t("why.link");
		const phase = this.call?.phase;
		switch (act) {
			case "answer":
			case "decline":
				return phase === "ringing" ? "" : t("why.ringing");
			case "mute":
			case "keypad":
				if (phase === "hold") return t("why.notheld");
				return phase === "talking" ? "" : t("why.talking");
			case "hold":
			case "end":
				return phase === "talking" || phase === "hold" ? "" : t("why.talking");
			case "done":
				return phase === "wrap_up" ? "" : t("why.wrapup");
			case "available":
				return this.#whyNotAvailable();
		}
	}

	/** Does it, if it makes sense now. */
	act(act: Act): void {
		if (this.whyNot(act) !== "") return;
		const { phone } = this.seat;
		const call = this.call;
		const run = this.app.run.bind(this.app);
		switch (act) {
			case "answer":
				if (!this.busy("answer")) void run(phone.answer());
				return;
			case "decline":
				return void run(phone.onCall("decline"));
			case "mute":
				return void run(phone.mute(!call?.muted));
			case "hold":
				return void run(phone.hold(call?.phase !== "hold"));
			case "keypad":
				this.open = this.open === "keypad" ? "none" : "keypad";
				return;
			case "end":
				return void run(phone.onCall("hangup"));
			case "available":
				if ("Notification" in window && Notification.permission === "default") void Notification.requestPermission();
				return void run(phone.setState("available"));
			case "done":
				return void this.#done();
		}
	}

	bindings(): Binding[] {
		const acts = ACTS.map(({ act, key }) => ({ key, run: () => this.act(act), when: () => this.takesCalls }));
		const rings = () => this.whyNot("answer") === "";
		return [
			...acts,
			{ key: "Enter", run: () => this.act("answer"), when: rings },
			{ key: "Escape", run: () => this.close(), when: () => this.open !== "none" },
			{ key: "Escape", run: () => this.act("decline"), when: () => this.open === "none" && rings() },
			{ key: "?", run: () => this.toggle("keys") },
			{ key: "s", run: () => this.toggle("headset"), when: () => this.takesCalls },
		];
	}

	toggle(what: "keypad" | "keys" | "side" | "headset"): void {
		this.open = this.open === what ? "none" : what;
	}

	close(): void {
		this.open = "none";
	}

	/** Takes what the server has when another call begins; within one, what is typed here is newer. */
	syncDraft(call: CallView | null): void {
		const contact = call?.contact ?? "";
		if (contact === this.#draftOf) return;
		clearTimeout(this.#timer);
		this.#draftOf = contact;
		this.disposition = call?.disposition ?? "";
		this.note = call?.note ?? "";
		this.saved = "saved";
	}

	/** Called at every keystroke; goes to the server after a short rest. */
	edited(): void {
		this.saved = "unsaved";
		clearTimeout(this.#timer);
		this.#timer = setTimeout(() => void this.save(), 600);
	}

	async save(): Promise<void> {
		clearTimeout(this.#timer);
		if (this.saved === "saved" || this.call?.phase === "ringing" || !this.call) return;
		this.saved = "saving";
		const sent = { disposition: this.disposition, note: this.note };
		const failure = await this.seat.phone.onCall("wrapup_note", sent);
		const same = sent.disposition === this.disposition && sent.note === this.note;
		this.saved = failure || !same ? "unsaved" : "saved";
	}

	/** The agent's last calls, for the list and the figures of today. */
	async loadRecent(): Promise<void> {
		this.recent = await this.app.api.calls({ agent: this.session.user, limit: 200 }).catch(() => this.recent);
	}

	async #done(): Promise<void> {
		clearTimeout(this.#timer);
		const { disposition, note } = this;
		const failure = await this.seat.phone.onCall("wrapup_done", { disposition, note });
		if (!failure) {
			this.saved = "saved";
			return;
		}
		this.app.fail(failure.code, failure.message);
		document.querySelector<HTMLElement>("[data-dispositions] button")?.focus();
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
