/** How loud something is: dBFS (0 is full scale, -Infinity digital silence) and the highest sample, 0 to 1. */
export interface Loudness {
	level: number;
	peak: number;
}

/** The loudness of some samples. */
export function loudness(samples: Float32Array): Loudness {
	let sum = 0;
	let peak = 0;
	for (const s of samples) {
		sum += s * s;
		peak = Math.max(peak, Math.abs(s));
	}
	return { level: 10 * Math.log10(sum / samples.length), peak };
}

/** Meter reads how loud a microphone's track is. */
export class Meter {
	#source: MediaStreamAudioSourceNode | null = null;
	#analyser: AnalyserNode | null = null;
	#samples: Float32Array<ArrayBuffer>;

	/** size is how many samples one reading takes, a power of two; 8192 are 170 ms. */
	constructor(
		private readonly context: AudioContext | null,
		size = 8192,
	) {
		this.#samples = new Float32Array(size);
	}

	watch(track: MediaStreamTrack | null): void {
		this.#source?.disconnect();
		this.#source = null;
		if (!track || !this.context) return;
		this.#analyser ??= new AnalyserNode(this.context, { fftSize: this.#samples.length });
		try {
			this.#source = this.context.createMediaStreamSource(new MediaStream([track]));
		} catch (error) {
			console.warn("this microphone cannot be measured", error); // a browser that resamples none
			return;
		}
		this.#source.connect(this.#analyser);
	}

	/** The last samples; null when nothing can be measured. They are overwritten by the next reading. */
	samples(): Float32Array | null {
		if (!this.#source || !this.#analyser || this.context?.state !== "running") return null;
		this.#analyser.getFloatTimeDomainData(this.#samples);
		return this.#samples;
	}

	/** null when nothing can be measured. */
	loudness(): Loudness | null {
		const samples = this.samples();
		return samples && loudness(samples);
	}

	/** dBFS, null when nothing can be measured. */
	read(): number | null {
		return this.loudness()?.level ?? null;
	}
}
