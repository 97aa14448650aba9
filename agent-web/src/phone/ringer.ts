/** Ringer makes the ring tone: two short notes, a pause. Silent until the browser lets the page sound. */
export class Ringer {
	#timer: ReturnType<typeof setInterval> | undefined;

	constructor(private readonly context: AudioContext | null) {}

	start(): void {
		if (this.#timer !== undefined) return;
		this.#ring();
		this.#timer = setInterval(() => this.#ring(), 2000);
	}

	stop(): void {
		clearInterval(this.#timer);
		this.#timer = undefined;
	}

	#ring(): void {
		if (this.context?.state !== "running") return;
		this.#note(this.context, 660, 0);
		this.#note(this.context, 880, 0.25);
	}

	#note(context: AudioContext, hz: number, after: number): void {
		const at = context.currentTime + after;
		const tone = context.createOscillator();
		const gain = context.createGain();
		tone.frequency.value = hz;
		gain.gain.setValueAtTime(0, at);
		gain.gain.linearRampToValueAtTime(0.2, at + 0.02);
		gain.gain.linearRampToValueAtTime(0, at + 0.22);
		tone.connect(gain).connect(context.destination);
		tone.start(at);
		tone.stop(at + 0.25);
	}
}
