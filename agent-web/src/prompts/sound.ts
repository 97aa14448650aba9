/** What a person should know of a sound before it is given: the server measures it again and decides. */
export interface Measure {
	seconds: number;
	/** Of the loudest half second and of the highest sample, in dBFS. */
	level: number;
	peak: number;
	/** The second in which it is clipped; null if it is not. */
	clippedAt: number | null;
	verdict: "fine" | "clipped" | "quiet" | "short" | "long";
}

/** The same limits as the server's (internal/app/soundcheck.go). */
const SHORTEST_S = 0.2;
const LONGEST_S = 120;
const QUIETEST_DB = -45;
const CLIPPED_RUN = 4;
const CLIPPED_TOPS = 3;
const FULL = 1 - 33 / 32768;

export function measure(samples: Float32Array, rate: number): Measure {
	const seconds = samples.length / rate;
	let peak = 0;
	for (const x of samples) peak = Math.max(peak, Math.abs(x));
	const level = loudest(samples, rate);
	const clippedAt = clipped(samples, rate);
	const verdict =
		seconds < SHORTEST_S
			? "short"
			: seconds > LONGEST_S
				? "long"
				: clippedAt !== null
					? "clipped"
					: level < QUIETEST_DB
						? "quiet"
						: "fine";
	return { seconds, level, peak: dB(peak), clippedAt, verdict };
}

const dB = (x: number) => Math.max(-100, 20 * Math.log10(x));

/** The RMS of the loudest half second. */
function loudest(samples: Float32Array, rate: number): number {
	const step = Math.max(1, Math.round(rate / 2));
	let most = 0;
	for (let i = 0; i < samples.length; i += step) {
		let sum = 0;
		const part = samples.subarray(i, i + step);
		for (const x of part) sum += x * x;
		most = Math.max(most, sum / part.length);
	}
	return dB(Math.sqrt(most));
}

/** The first second with more flat tops than speech has. */
function clipped(samples: Float32Array, rate: number): number | null {
	let run = 0;
	let tops = 0;
	let second = 0;
	for (let i = 0; i < samples.length; i++) {
		const now = Math.floor(i / rate);
		if (now !== second) {
			second = now;
			tops = 0;
		}
		run = Math.abs(samples[i] ?? 0) >= FULL ? run + 1 : 0;
		if (run === CLIPPED_RUN && ++tops > CLIPPED_TOPS) return i / rate;
	}
	return null;
}

/** The outline for drawing: the highest sample of each of n parts. */
export function outline(samples: Float32Array, n: number): number[] {
	const peaks: number[] = [];
	for (let i = 0; i < n; i++) {
		let most = 0;
		const part = samples.subarray(Math.floor((i * samples.length) / n), Math.floor(((i + 1) * samples.length) / n));
		for (const x of part) most = Math.max(most, Math.abs(x));
		peaks.push(most);
	}
	return peaks;
}

/** Mixes what a browser decoded to one channel. */
export function mono(buffer: {
	numberOfChannels: number;
	length: number;
	getChannelData: (i: number) => Float32Array;
}) {
	const out = new Float32Array(buffer.length);
	for (let c = 0; c < buffer.numberOfChannels; c++) {
		const channel = buffer.getChannelData(c);
		for (let i = 0; i < out.length; i++) out[i] = (out[i] ?? 0) + (channel[i] ?? 0) / buffer.numberOfChannels;
	}
	return out;
}

/** Writes samples as a WAV file: one channel, 16 bits. */
export function wav(samples: Float32Array, rate: number): Blob {
	const data = new DataView(new ArrayBuffer(44 + samples.length * 2));
	const word = (at: number, text: string) => {
		for (let i = 0; i < text.length; i++) data.setUint8(at + i, text.charCodeAt(i));
	};
	word(0, "RIFF");
	data.setUint32(4, 36 + samples.length * 2, true);
	word(8, "WAVEfmt ");
	data.setUint32(16, 16, true);
	data.setUint16(20, 1, true); // PCM
	data.setUint16(22, 1, true); // channels
	data.setUint32(24, rate, true);
	data.setUint32(28, rate * 2, true);
	data.setUint16(32, 2, true);
	data.setUint16(34, 16, true);
	word(36, "data");
	data.setUint32(40, samples.length * 2, true);
	samples.forEach((x, i) => {
		data.setInt16(44 + 2 * i, Math.round(Math.max(-1, Math.min(1, x)) * 32767), true);
	});
	return new Blob([data.buffer], { type: "audio/wav" });
}
