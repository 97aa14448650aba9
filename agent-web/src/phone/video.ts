import type { Camera } from "./camera.ts";
import type { Outgoing } from "./outlet.ts";
import type { CommandFields } from "./protocol.ts";
import type { Screen } from "./screen.ts";
import type { Failure } from "./socket.ts";
import { Cell, type Value } from "./value.ts";
import type { CallView, VideoSource, VideoView } from "./views.ts";

/**
 * What a person should know about their own picture that went off by itself:
 * the page was loaded anew, the camera was unplugged, the picture could not go
 * on (its blur failed, the browser took the camera), the server ended it, or the
 * network is too weak.
 */
export type Told = "reload" | "unplugged" | "failed" | "ended" | "weak";

export interface VideoState {
	/** What is shown. */
	source: VideoSource | "";
	/** What is on its way to be: the camera, the person's choice of a screen or the server's word is waited for. */
	next: VideoSource | "";
	told: Told | null;
}

/** With less a picture is of no use and only takes the network away from the sound, in bit/s. */
const WEAK = 150_000;
/** For how long: more than the server needs to find that it is the network of who looks. */
const WEAK_MS = 8000;

const OFF: VideoState = { source: "", next: "", told: null };

export interface VideoOptions {
	camera: Camera;
	screen: Screen;
	/** Sends verb video on the seat's call. */
	ask: (fields: CommandFields) => Promise<Failure | null>;
	/** Brings the picture's sender to something. */
	send: (picture: Outgoing) => void;
}

/**
 * Video is what the others in a call see of this seat. Nothing is captured
 * unless the person asked for it in this call and on this page, and nobody has
 * to look at a light: what is not seen (on hold, while a screen is shared) lets
 * the camera go.
 */
export class Video {
	#state = new Cell<VideoState>(OFF);
	#call = "";
	#view: VideoView | null = null;
	#mine: "no" | "yes" = "no";
	/** Whether the server's document has said what we show. */
	#confirmed: "no" | "yes" = "no";
	/** Whether this page has shown anything in this call. */
	#shown: "no" | "yes" = "no";
	#previewing: "no" | "yes" = "no";
	/** What was shown before the screen, to go back to. */
	#before: VideoSource | "" = "";
	#attempt = 0;
	/** Since when the network carries too little; 0: it does not. */
	#weak = 0;

	constructor(private readonly options: VideoOptions) {
		const { camera, screen } = options;
		camera.track.follow(() => this.#send());
		screen.track.follow(() => this.#send());
		camera.state.follow(({ at }) => {
			if (this.#state.now.source !== "camera") return;
			if (at === "ended") void this.hide("unplugged");
			else if (at === "missing" || at === "denied") void this.hide("failed");
		});
		screen.state.follow(({ at }) => {
			const { source, next } = this.#state.now;
			if (source === "screen" && next === "" && at === "off") void this.unshare();
		});
	}

	get state(): Value<VideoState> {
		return this.#state;
	}

	/** Shows the camera or the screen, instead of what was shown; why not, else null. */
	async show(source: VideoSource): Promise<Failure | null> {
		const attempt = ++this.#attempt;
		const { camera, screen } = this.options;
		const before = this.#state.now.source;
		this.#set({ ...this.#state.now, next: source, told: null });
		const there = source === "camera" && camera.state.now.at === "ok";
		const captured = there || (await (source === "camera" ? camera.open() : screen.open()));
		if (captured && attempt === this.#attempt) {
			const failure = await this.options.ask({ on: true, source });
			if (attempt === this.#attempt && !failure) return this.#on(source, before);
			if (failure) {
				if (attempt === this.#attempt) this.#set({ ...this.#state.now, next: "" });
				this.#release(source);
				return failure;
			}
		}
		const given = attempt === this.#attempt;
		if (given) this.#set({ ...this.#state.now, next: "" });
		this.#release(source);
		if (!given) return null; // something else was asked for meanwhile
		if (source === "screen" && screen.state.now.at !== "unsupported") return null; // the person chose nothing
		return { code: source, message: `nothing to show of the ${source}` };
	}

	#on(source: VideoSource, before: VideoSource | ""): null {
		this.#before = source === "screen" ? before : "";
		this.#confirmed = this.#view?.own === source ? "yes" : "no";
		this.#shown = "yes";
		this.#set({ source, next: "", told: null });
		this.#send();
		if (before !== "") this.#release(before);
		return null;
	}

	/** Shows nothing any more. What captures is off before the server knows. */
	hide(told: Told | null = null): Promise<Failure | null> {
		this.#off(told);
		return this.options.ask(told === "weak" ? { on: false, reason: "network" } : { on: false });
	}

	/**
	 * Takes what the network allows our picture, in bit/s; null: what it wants.
	 * Too little for long leaves the network to the sound.
	 */
	carries(bps: number | null, now: number): void {
		const shown = this.#state.now.source !== "" && this.#view?.state === "on";
		if (!shown || bps === null || bps >= WEAK) this.#weak = 0;
		else if (this.#weak === 0) this.#weak = now;
		else if (now - this.#weak >= WEAK_MS) {
			this.#weak = 0;
			void this.hide("weak");
		}
	}

	/** Ends the sharing of the screen; the camera comes back if it was on before. */
	async unshare(): Promise<Failure | null> {
		const before = this.#before;
		this.#before = "";
		if (before !== "camera") return this.hide();
		const failure = await this.show("camera");
		if (failure) await this.hide("failed");
		return failure;
	}

	/** The person looks at themself, outside a call or before they are shown. */
	preview(on: "on" | "off"): void {
		const { camera } = this.options;
		this.#previewing = on === "on" ? "yes" : "no";
		if (on === "on") {
			if (camera.state.now.at !== "ok") void camera.open();
		} else if (this.#state.now.source !== "camera") camera.close();
	}

	/** The person has read what happened. */
	read(): void {
		this.#set({ ...this.#state.now, told: null });
	}

	/** Takes what the server says; mine is whether this tab is the phone. */
	follow(call: CallView | null, mine: "no" | "yes"): void {
		const contact = call && call.phase !== "wrap_up" ? call.contact : "";
		this.#mine = mine;
		this.#view = (contact && call?.video) || null;
		if (contact !== this.#call || mine === "no") {
			this.#call = contact;
			this.#shown = "no";
			this.#off(null);
		}
		this.#agree();
		this.#send();
	}

	/** Page and server agree on what is shown: the server's word counts. */
	#agree(): void {
		const { source } = this.#state.now;
		const view = this.#view;
		const own = view?.own ?? "";
		if (source === "") {
			// Of the page before this one: it captured, and it is gone.
			if (own !== "" && this.#shown === "no" && this.#mine === "yes") {
				this.#shown = "yes";
				this.#set({ ...OFF, told: "reload" });
				void this.options.ask({ on: false });
			}
			return;
		}
		if (own === source) this.#confirmed = "yes";
		else if (own === "" && this.#confirmed === "yes") return this.#off("ended");
		if (source === "camera") this.#rest(view?.state === "held");
	}

	/** Nobody sees it: the camera is let go, and opened again when somebody does. */
	#rest(held: boolean): void {
		const { camera } = this.options;
		const { at } = camera.state.now;
		if (held && this.#previewing === "no" && (at === "ok" || at === "asking")) camera.close();
		else if (!held && at === "off") void camera.open();
	}

	#off(told: Told | null): void {
		this.#attempt++;
		this.#confirmed = "no";
		this.#before = "";
		this.#set({ ...OFF, told });
		this.#send();
		this.#release("camera");
		this.#release("screen");
	}

	/** Lets a source go unless it is shown, on its way to be, or looked at. */
	#release(which: VideoSource): void {
		const { camera, screen } = this.options;
		const { source, next } = this.#state.now;
		if (source === which || next === which) return;
		if (which === "screen") screen.close();
		else if (this.#previewing === "no" && ["ok", "asking"].includes(camera.state.now.at)) camera.close();
	}

	#send(): void {
		const { source } = this.#state.now;
		const { camera, screen } = this.options;
		const track = source === "screen" ? screen.track.now : source === "camera" ? camera.track.now : null;
		const seen = this.#view !== null && this.#view.state !== "held";
		this.options.send({ track: seen ? track : null, codec: this.#view?.codec ?? "" });
	}

	#set(state: VideoState): void {
		const now = this.#state.now;
		if (state.source !== now.source || state.next !== now.next || state.told !== now.told) this.#state.set(state);
	}
}
