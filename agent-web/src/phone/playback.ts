import type { DeviceList } from "./devices.ts";
import type { TrackName } from "./protocol.ts";
import { type Sound, USUAL } from "./sound.ts";
import { Cell, type Value } from "./value.ts";

/** Playback joins the remote tracks to the page's audio elements and knows whether the browser lets them sound. */
export class Playback {
	#state = new Cell<"locked" | "unlocked">("locked");
	/** Whether the context ever ran: from then on it alone says what sounds. */
	#ran: "no" | "yes" = "no";
	#elements = new Map<string, HTMLAudioElement>();
	#streams = new Map<string, MediaStream>();
	readonly #sound: Value<Sound>;

	constructor(
		private readonly context: AudioContext | null,
		sound: Value<Sound> = new Cell(USUAL),
		private readonly list: DeviceList | null = null,
	) {
		this.#sound = sound;
		sound.follow(() => this.#direct());
		list?.all.follow(() => this.#direct());
		if (!context) return;
		const look = () => {
			if (context.state === "running") this.#state.set("unlocked");
			// The system took it (a sleep, a call of its own): without it nothing rings.
			else if (this.#ran === "yes" && context.state !== "closed") this.#state.set("locked");
			if (context.state === "running") this.#ran = "yes";
		};
		context.addEventListener("statechange", look);
		look();
	}

	get state(): Value<"locked" | "unlocked"> {
		return this.#state;
	}

	/** Hands over an audio element; returns the way out. */
	element(name: TrackName, element: HTMLAudioElement): () => void {
		this.#elements.set(name, element);
		this.#direct();
		this.#join(name);
		return () => {
			if (this.#elements.get(name) === element) this.#elements.delete(name);
		};
	}

	stream(name: string, stream: MediaStream): void {
		this.#streams.set(name, stream);
		this.#join(name);
	}

	/** Called on a click or a key: only then may a browser start sound. */
	unlock(): void {
		const { context } = this;
		if (context && context.state !== "running") void context.resume().catch(() => undefined);
		if (this.#state.now === "unlocked") return;
		for (const name of this.#elements.keys()) this.#play(name);
	}

	/** Sends an element to the chosen device; the system's when it is not there, or not allowed. */
	async direct(element: HTMLMediaElement): Promise<void> {
		const device = this.list?.find("speaker", this.#sound.now.speaker) ?? null;
		element.volume = this.#sound.now.volume;
		const sink = element as HTMLMediaElement & { sinkId?: string; setSinkId?: (id: string) => Promise<void> };
		if (!sink.setSinkId || (sink.sinkId ?? "") === (device?.id ?? "")) return;
		try {
			await sink.setSinkId(device?.id ?? "");
		} catch (error) {
			console.warn("the chosen loudspeaker cannot be used", error);
			await sink.setSinkId("").catch(() => undefined);
		}
	}

	#direct(): void {
		for (const element of this.#elements.values()) void this.direct(element);
	}

	#join(name: string): void {
		const element = this.#elements.get(name);
		const stream = this.#streams.get(name);
		if (!element || !stream || element.srcObject === stream) return;
		element.srcObject = stream;
		this.#play(name);
	}

	#play(name: string): void {
		const element = this.#elements.get(name);
		if (!element?.srcObject) return;
		element.play().then(
			() => {
				// An element plays while the system has the sound, and nothing rings.
				if (this.#ran === "no" || this.context?.state === "running") this.#state.set("unlocked");
			},
			() => undefined, // locked: the page asks for a click
		);
	}
}
