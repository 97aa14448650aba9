import type { DeviceList } from "./devices.ts";
import { type Sound, USUAL } from "./sound.ts";
import { ringSamples } from "./tones.ts";
import { Cell, type Value } from "./value.ts";

/** An audio element as far as the ringer needs it. */
export type Loudspeaker = Pick<HTMLAudioElement, "play" | "pause" | "srcObject"> & {
	setSinkId?: (id: string) => Promise<void>;
};

/**
 * Ringer makes the ring tone, on a device of its own if one was chosen: agents
 * put the headset down. The tone is a loop of the audio clock's, so that a tab
 * in the background, whose timers sleep, rings on. Where the browser does not
 * let the page sound yet, it begins to ring as soon as it may.
 */
export class Ringer {
	#playing: { source: AudioBufferSourceNode; gain: GainNode } | null = null;
	#wanted: "no" | "yes" = "no";
	#how: "ring" | "beside" = "ring";
	/** The device it rings on; "" is where all sound goes. */
	#device = "";
	#speaker: { element: Loudspeaker; out: MediaStreamAudioDestinationNode } | null = null;
	readonly #sound: Value<Sound>;
	#ways: (() => void)[] = [];

	constructor(
		private readonly context: AudioContext | null,
		sound: Value<Sound> = new Cell(USUAL),
		private readonly list: DeviceList | null = null,
		private readonly loudspeaker: () => Loudspeaker = () => new Audio(),
	) {
		this.#sound = sound;
		let before = sound.now;
		this.#ways.push(
			sound.follow((now) => {
				const other =
					now.ring !== before.ring || now.ringer?.id !== before.ringer?.id || now.ringing !== before.ringing;
				before = now;
				if (this.#playing) this.#playing.gain.gain.value = now.ringVolume;
				if (other && this.#wanted === "yes") this.#begin();
			}),
		);
		if (list) {
			const moved = () => {
				const device = list.find("speaker", this.#sound.now.ringer)?.id ?? "";
				if (this.#playing && this.#how === "ring" && device !== this.#device) this.#begin();
			};
			this.#ways.push(list.all.follow(moved));
		}
		const look = () => {
			if (this.#wanted === "yes" && !this.#playing) this.#begin();
		};
		context?.addEventListener("statechange", look);
		this.#ways.push(() => context?.removeEventListener("statechange", look));
	}

	/** beside is a quiet note in the headset, for who talks. */
	start(how: "ring" | "beside" = "ring"): void {
		if (this.#wanted === "yes" && this.#how === how) return;
		this.#wanted = "yes";
		this.#how = how;
		if (this.#sound.now.ringing === "sound") this.#begin();
	}

	stop(): void {
		this.#wanted = "no";
		this.#end();
	}

	/** One turn of the tone, also in silent mode: to hear what was chosen. */
	async sample(ms = 2000): Promise<void> {
		this.#begin("sample");
		await new Promise((done) => setTimeout(done, ms));
		if (this.#wanted === "no") this.#end();
	}

	close(): void {
		this.stop();
		for (const way of this.#ways.splice(0)) way();
	}

	#begin(why: "ring" | "sample" = "ring"): void {
		this.#end();
		const { context } = this;
		const { ring, ringVolume, ringing } = this.#sound.now;
		if (context?.state !== "running" || (ringing === "silent" && why === "ring")) return;
		const beside = this.#how === "beside" && why === "ring";
		const samples = ringSamples(beside ? "beside" : ring, context.sampleRate);
		const buffer = context.createBuffer(1, samples.length, context.sampleRate);
		buffer.copyToChannel(samples, 0);
		const source = context.createBufferSource();
		source.buffer = buffer;
		source.loop = true;
		const gain = context.createGain();
		gain.gain.value = ringVolume;
		source.connect(gain).connect(beside ? context.destination : this.#out(context));
		source.start();
		this.#playing = { source, gain };
	}

	#end(): void {
		this.#playing?.source.stop();
		this.#playing?.source.disconnect();
		this.#playing?.gain.disconnect();
		this.#playing = null;
		this.#speaker?.element.pause();
	}

	/** The device of its own where one was chosen and is there, else where all sound goes. */
	#out(context: AudioContext): AudioNode {
		const device = this.list?.find("speaker", this.#sound.now.ringer);
		this.#device = device?.id ?? "";
		if (!device) return context.destination;
		if (!this.#speaker) {
			const out = context.createMediaStreamDestination();
			const element = this.loudspeaker();
			element.srcObject = out.stream;
			this.#speaker = { element, out };
		}
		const { element, out } = this.#speaker;
		if (!element.setSinkId) return context.destination;
		element
			.setSinkId(device.id)
			.then(() => element.play())
			.catch((error: unknown) => {
				console.warn("the ringer's device cannot be used; the usual one rings", error);
				this.#playing?.gain.connect(context.destination);
			});
		return out;
	}
}
