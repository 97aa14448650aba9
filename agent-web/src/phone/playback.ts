import type { TrackName } from "./protocol.ts";
import { Cell, type Value } from "./value.ts";

/** Playback joins the remote tracks to the page's audio elements and knows whether the browser lets them sound. */
export class Playback {
	#state = new Cell<"locked" | "unlocked">("locked");
	#elements = new Map<string, HTMLAudioElement>();
	#streams = new Map<string, MediaStream>();

	constructor(private readonly context: AudioContext | null) {
		if (!context) return;
		const look = () => {
			if (context.state === "running") this.#state.set("unlocked");
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
		if (this.#state.now === "unlocked") return;
		void this.context?.resume().catch(() => undefined);
		for (const name of this.#elements.keys()) this.#play(name);
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
			() => this.#state.set("unlocked"),
			() => undefined, // locked: the page asks for a click
		);
	}
}
