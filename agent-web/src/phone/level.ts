/** Meter reads how loud a microphone's track is. */
export class Meter {
	#source: MediaStreamAudioSourceNode | null = null;
	#analyser: AnalyserNode | null = null;
	#samples = new Float32Array(1024);

	constructor(private readonly context: AudioContext | null) {}

	watch(track: MediaStreamTrack | null): void {
		this.#source?.disconnect();
		this.#source = null;
		if (!track || !this.context) return;
		this.#analyser ??= new AnalyserNode(this.context, { fftSize: 1024 });
		this.#source = this.context.createMediaStreamSource(new MediaStream([track]));
		this.#source.connect(this.#analyser);
	}

	/** dBFS (0 is full scale), -Infinity for digital silence, null when nothing can be measured. */
	read(): number | null {
		if (!this.#source || !this.#analyser || this.context?.state !== "running") return null;
		this.#analyser.getFloatTimeDomainData(this.#samples);
		let sum = 0;
		for (const s of this.#samples) sum += s * s;
		return 10 * Math.log10(sum / this.#samples.length);
	}
}
