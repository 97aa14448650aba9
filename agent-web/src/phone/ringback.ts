/** The tone of a call out that rings, as the network would make it: 450 Hz, one second in five. */
const HZ = 450;
const ON_S = 1;
const TURN_S = 5;
const LOUD = 0.08;

/** Ringback plays the tone in the headset while the carrier sends none of its own. */
export class Ringback {
	#source: AudioBufferSourceNode | null = null;

	constructor(private readonly context: AudioContext | null) {}

	start(): void {
		const { context } = this;
		if (this.#source || context?.state !== "running") return;
		const rate = context.sampleRate;
		const buffer = context.createBuffer(1, TURN_S * rate, rate);
		const samples = buffer.getChannelData(0);
		const edge = 0.01 * rate;
		for (let i = 0; i < ON_S * rate; i++) {
			samples[i] = LOUD * Math.min(1, i / edge, (ON_S * rate - i) / edge) * Math.sin((2 * Math.PI * HZ * i) / rate);
		}
		const source = context.createBufferSource();
		source.buffer = buffer;
		source.loop = true;
		source.connect(context.destination);
		source.start();
		this.#source = source;
	}

	stop(): void {
		this.#source?.stop();
		this.#source?.disconnect();
		this.#source = null;
	}
}
