import { tick } from "svelte";
import type { CallView } from "../phone/views.ts";
import type { App } from "./app.svelte.ts";
import { heard, type Said, type Told, told } from "./crmwords.ts";
import type { Desk } from "./desk.svelte.ts";
import type { Seat } from "./seat.svelte.ts";
import type { Writing } from "./writing.svelte.ts";

/** The act on the CRM's page, with its key. */
export const CRM_ACTS = [{ act: "crm", key: "q", label: "crm.open" }] as const;

/** The one window that all calls use. */
const WINDOW = "callfloor-crm";
/** What the server takes as a note. */
const MAX_NOTE = 2000;

/**
 * CrmDesk is the CRM's own page: beside the call or in a window, told of the
 * calls, and heard within bounds. It is the page of the call in front, and stays
 * after it until another is, so that numbers can be dialled from it.
 */
export class CrmDesk {
	/** The page of the call that is or was in front. */
	url = $state("");
	#window: Window | null = null;
	/** Whether the page there has said that it listens. */
	#listens = false;
	/** Whose page it is. */
	#shown = "";
	/** What was said of each call, and of the last one that ended. */
	readonly #told = new Map<string, Told>();
	#last: Told | null = null;

	constructor(
		private readonly app: App,
		private readonly seat: Seat,
		private readonly desk: Pick<Desk, "side" | "open" | "wanted" | "whyNot"> & {
			readonly writing: Pick<Writing, "note" | "sync" | "edited">;
		},
	) {}

	/** Where the page opens; "" without one. */
	get place(): "" | "beside" | "window" {
		return this.seat.doc.me?.crm ?? "";
	}

	whyNot(): string {
		if (this.place === "") return this.app.t("why.nocrm");
		return this.place === "window" && this.url === "" ? this.app.t("why.nocrmcall") : "";
	}

	/** Opens the window, or goes to the tab and back. */
	act(): void {
		if (this.place === "window") return this.#open();
		if (this.desk.side === "crm") return this.back();
		this.app.router.go("/");
		this.desk.side = "crm";
		if (matchMedia("(max-width: 899px)").matches) this.desk.open = "side";
		void focus("side-crm");
	}

	/** Back to the customer. */
	back(): void {
		this.desk.side = "customer";
		void focus("side-customer");
	}

	/** Takes the frame as the page until it goes. */
	attach = (frame: HTMLIFrameElement): (() => void) => {
		const page = frame.contentWindow;
		this.#use(page);
		return () => this.#window === page && this.#use(null);
	};

	/** Told at every change of the seat's calls, the one in front first; what changes for the CRM is said once. */
	follow(calls: readonly CallView[]): void {
		for (const [contact, last] of this.#told) {
			if (calls.some((c) => c.contact === contact)) continue;
			this.#told.delete(contact);
			this.#last = { ...last, phase: "ended", at: new Date(this.app.now).toISOString() };
			this.#say(this.#last);
		}
		const [front] = calls;
		// Within a call the address may change; a page that is being read must not.
		if (front?.crm && front.contact !== this.#shown) {
			this.#shown = front.contact;
			this.url = front.crm;
		}
		for (const call of calls.toReversed()) {
			if (this.#told.get(call.contact)?.phase === call.phase) continue;
			this.#told.set(call.contact, told(call));
			this.#say(told(call));
		}
	}

	/** Takes a message of another window. */
	hear = (event: Pick<MessageEvent, "origin" | "source" | "data">): void => {
		if (this.url === "") return;
		const said = heard(event, { origin: new URL(this.url).origin, window: this.#window });
		if (said) this.#do(said);
	};

	#do(said: Said): void {
		switch (said.type) {
			case "callfloor.ready":
				this.#listens = true;
				return this.#tellAll();
			case "callfloor.back":
				if (this.place === "beside") this.back();
				return;
			case "callfloor.dial":
				return this.#dial(said.number, said.line);
			case "callfloor.note":
				return this.#note(said.contact, said.text);
		}
	}

	/** A number is filled in, and a person calls it. */
	#dial(number: string, line: string): void {
		const why = this.desk.whyNot("out");
		if (why !== "") return this.app.toast("bad", this.app.t("crm.dial.not", { why }));
		if (line !== "" && !this.seat.doc.me?.dial?.some((l) => l.id === line)) return;
		this.app.router.go("/");
		this.desk.wanted = { number, line };
		this.desk.open = "out";
	}

	#note(contact: string, text: string): void {
		const { call } = this.seat.doc;
		if (!call || call.contact !== contact || call.phase === "ringing") return;
		const { writing } = this.desk;
		writing.sync(call);
		const note = writing.note === "" ? text : `${writing.note.trimEnd()}\n${text}`;
		if (note.length > MAX_NOTE) return;
		writing.note = note;
		writing.edited();
	}

	#open(): void {
		const opened = window.open(this.url, WINDOW);
		if (!opened) return this.app.toast("bad", this.app.t("crm.blocked"));
		this.#use(opened);
	}

	#use(page: Window | null): void {
		this.#window = page;
		this.#listens = false;
	}

	#tellAll(): void {
		if (this.#told.size === 0 && this.#last) this.#say(this.#last);
		for (const message of this.#told.values()) this.#say(message);
	}

	#say(message: Told): void {
		if (this.#listens) this.#window?.postMessage(message, new URL(this.url).origin);
	}
}

async function focus(id: string): Promise<void> {
	await tick();
	document.getElementById(id)?.focus();
}
