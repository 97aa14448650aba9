import { backoffMS } from "./backoff.ts";
import { DocStore } from "./doc.ts";
import {
	type Bye,
	type Candidate,
	type Command,
	type CommandFields,
	type ErrorCode,
	type FromServer,
	PROTOCOL_VERSION,
	type Result,
	type SDP,
	type ToServer,
	type Verb,
	type Welcome,
} from "./protocol.ts";
import { Cell, type Value } from "./value.ts";

/**
 * Where the seat's connection stands.
 *
 *	idle ──open──► connecting ──welcome──► live
 *	                 ▲    │                  │
 *	          timer  │    ▼ closed           │ closed, silent
 *	                waiting ◄────────────────┘
 *	any ──bye{reconnect:false}, signed out──► over
 */
export type Link =
	| { at: "idle" }
	| { at: "connecting"; attempt: number }
	| { at: "live"; rttMS: number | null }
	| { at: "waiting"; attempt: number; until: number }
	| { at: "over"; code: ErrorCode | "version"; reason: string };

/** The part of WebSocket that is used, so that tests can bring their own. */
export interface Wire {
	onopen: (() => void) | null;
	onmessage: ((event: { data: unknown }) => void) | null;
	onclose: (() => void) | null;
	send(data: string): void;
	close(): void;
}

export interface SocketOptions {
	dial: () => Wire;
	tab: string;
	/** Asked after failed tries: is the session still good? A WebSocket cannot say why it was refused. */
	session: () => Promise<"good" | "gone" | "unknown">;
	random?: () => number;
	/** Runs something before the next picture; without it every change is shown at once. */
	frame?: (run: () => void) => void;
}

/** What came besides the document. */
export interface SocketEvents {
	welcome(message: Welcome, epoch: "same" | "new"): void;
	tab(phone: boolean): void;
	answer(message: SDP): void;
	candidate(message: Candidate): void;
}

export interface Failure {
	/** lost: no answer came. microphone: it was not sent, since nobody would hear. */
	code: ErrorCode | "lost" | "microphone" | "camera" | "screen";
	message: string;
}

const PING_MS = 2000;
const SILENCE_MS = 5000;
const OPEN_MS = 5000;
const RESULT_MS = 8000;

/** SeatSocket keeps one connection to the server alive, and the document with it. */
export class SeatSocket {
	readonly store: DocStore;
	#link = new Cell<Link>({ at: "idle" });
	#wire: Wire | null = null;
	#attempt = 0;
	#timer: ReturnType<typeof setTimeout> | undefined;
	#beat: ReturnType<typeof setInterval> | undefined;
	#heard = 0;
	#pings = new Map<number, number>();
	#pingID = 0;
	#req = 0;
	#resumes: "same" | "new" = "new";
	#waiting = new Map<number, { settle: (r: Result | null) => void }>();
	/** Server minus browser clock, in milliseconds. */
	clockOffsetMS = 0;

	constructor(
		private readonly options: SocketOptions,
		private readonly events: SocketEvents,
	) {
		this.store = new DocStore(options.frame);
	}

	get link(): Value<Link> {
		return this.#link;
	}

	open(): void {
		const at = this.#link.now.at;
		if (at === "connecting" || at === "live") return;
		clearTimeout(this.#timer);
		this.#link.set({ at: "connecting", attempt: this.#attempt });
		const wire = this.options.dial();
		this.#wire = wire;
		this.#timer = setTimeout(() => this.#lost(wire), OPEN_MS);
		wire.onopen = () => this.#hello(false);
		wire.onmessage = (event) => {
			if (this.#wire === wire) this.#receive(String(event.data));
		};
		wire.onclose = () => this.#lost(wire);
	}

	/** The network is back or the tab woke up: do not wait for the timer. */
	nudge(): void {
		if (this.#link.now.at === "waiting") this.open();
		else if (this.#link.now.at === "live") this.#ping();
	}

	/** Makes this tab the phone, on the same socket. */
	takeOver(): void {
		if (this.#link.now.at === "live") this.#hello(true);
	}

	/** Ends it for good; open() starts again. */
	close(code: ErrorCode | "version" = "unauthorized", reason = ""): void {
		this.#drop();
		this.#link.set({ at: "over", code, reason });
		this.store.clear();
	}

	/** Sends if live; media signalling that finds no socket is made anew later. */
	send(message: ToServer): boolean {
		if (this.#link.now.at !== "live" || !this.#wire) return false;
		this.#wire.send(JSON.stringify(message));
		return true;
	}

	/** Asks the server to do something; null is done, else why not. */
	do(verb: Verb, fields: CommandFields = {}): Promise<Failure | null> {
		const req = ++this.#req;
		const command: Command = { type: "do", req, do: verb, ...fields };
		if (!this.send(command)) return Promise.resolve({ code: "lost", message: "" });
		return new Promise((resolve) => {
			const settle = (result: Result | null) => {
				clearTimeout(timer);
				this.#waiting.delete(req);
				if (!result) resolve({ code: "lost", message: "" });
				else if (result.error || result.code) resolve({ code: result.code ?? "internal", message: result.error ?? "" });
				else resolve(null);
			};
			const timer = setTimeout(() => settle(null), RESULT_MS);
			this.#waiting.set(req, { settle });
		});
	}

	#hello(takeOver: boolean): void {
		const resume = this.store.resume();
		const hello: ToServer = { type: "hello", tab: this.options.tab, ...resume };
		this.#resumes = resume.epoch !== undefined ? "same" : "new";
		if (takeOver) hello.take_over = true;
		this.#wire?.send(JSON.stringify(hello));
	}

	#receive(text: string): void {
		this.#heard = performance.now();
		const message = JSON.parse(text) as FromServer;
		switch (message.type) {
			case "welcome":
				return this.#welcomed(message);
			case "snapshot":
				return this.store.snapshot(message);
			case "change":
				// A gap: come again without a number and take a new snapshot.
				if (this.store.change(message) === "gap" && this.#wire) this.#lost(this.#wire);
				return;
			case "tab":
				return this.events.tab(message.phone);
			case "answer":
				return this.events.answer(message);
			case "candidate":
				return this.events.candidate(message);
			case "result":
				this.store.flush(); // what a command did is seen when it is done
				return this.#waiting.get(message.req)?.settle(message);
			case "pong":
				return this.#pong(message.id);
			case "bye":
				return this.#bye(message);
		}
	}

	#welcomed(message: Welcome): void {
		if (message.protocol !== PROTOCOL_VERSION) return this.close("version", "");
		clearTimeout(this.#timer);
		this.#attempt = 0;
		this.clockOffsetMS = Date.parse(message.now) - Date.now();
		// Without an epoch in Hello we are a new page to the server: it has no peer connection for us.
		const epoch = this.store.welcome(message) === "same" ? this.#resumes : "new";
		if (this.#link.now.at !== "live") {
			this.#link.set({ at: "live", rttMS: null });
			this.#beat = setInterval(() => this.#tick(), PING_MS);
		}
		this.events.welcome(message, epoch);
	}

	#tick(): void {
		if (performance.now() - this.#heard > SILENCE_MS && this.#wire) return this.#lost(this.#wire);
		this.#ping();
	}

	#ping(): void {
		const id = ++this.#pingID;
		this.#pings.set(id, performance.now());
		this.send({ type: "ping", id });
	}

	#pong(id: number): void {
		const sent = this.#pings.get(id);
		for (const old of this.#pings.keys()) if (old <= id) this.#pings.delete(old);
		if (sent !== undefined && this.#link.now.at === "live") {
			this.#link.set({ at: "live", rttMS: performance.now() - sent });
		}
	}

	#bye(message: Bye): void {
		if (!message.reconnect) this.close(message.code, message.reason);
	}

	#lost(wire: Wire): void {
		if (this.#wire !== wire) return;
		this.#drop();
		const attempt = this.#attempt++;
		const wait = backoffMS(attempt, this.options.random);
		this.#link.set({ at: "waiting", attempt, until: Date.now() + wait });
		this.#timer = setTimeout(() => this.open(), wait);
		if (attempt >= 1) void this.#askSession();
	}

	async #askSession(): Promise<void> {
		if ((await this.options.session()) === "gone" && this.#link.now.at !== "live") this.close("unauthorized");
	}

	#drop(): void {
		clearTimeout(this.#timer);
		clearInterval(this.#beat);
		this.#pings.clear();
		const wire = this.#wire;
		this.#wire = null;
		if (wire) {
			wire.onopen = wire.onmessage = wire.onclose = null;
			wire.close();
		}
		for (const { settle } of [...this.#waiting.values()]) settle(null);
	}
}
