import type { Ring } from "./sound.ts";

/** One note: Hz, from and for how long in seconds. */
interface Note {
	hz: number[];
	at: number;
	long: number;
}

/** The ring tones: the notes of one turn, and how long a turn is. */
const TUNES: Record<Ring, { seconds: number; notes: Note[] }> = {
	classic: {
		seconds: 2,
		notes: [
			{ hz: [660], at: 0, long: 0.22 },
			{ hz: [880], at: 0.25, long: 0.22 },
		],
	},
	soft: {
		seconds: 3,
		notes: [
			{ hz: [523, 1046], at: 0, long: 0.5 },
			{ hz: [392, 784], at: 0.55, long: 0.9 },
		],
	},
	// The bell of an old telephone: two tones that take turns.
	phone: {
		seconds: 3,
		notes: Array.from({ length: 20 }, (_, i) => ({ hz: [i % 2 === 0 ? 1319 : 1568], at: i * 0.05, long: 0.05 })),
	},
};

/** A call that rings beside another one: a short, quiet note every four seconds. */
const BESIDE = { seconds: 4, notes: [{ hz: [440], at: 0, long: 0.2 }], loud: 0.2 };

/** The samples of one turn of a ring tone, -1 to 1, to be played in a loop. */
export function ringSamples(ring: Ring | "beside", rate: number): Float32Array<ArrayBuffer> {
	const { seconds, notes, loud: level } = ring === "beside" ? BESIDE : { ...TUNES[ring], loud: 0.6 };
	const samples = new Float32Array(Math.round(seconds * rate));
	for (const { hz, at, long } of notes) {
		const first = Math.round(at * rate);
		const count = Math.min(Math.round(long * rate), samples.length - first);
		const edge = Math.min(0.02 * rate, count / 4);
		for (let i = 0; i < count; i++) {
			const loud = Math.min(1, i / edge, (count - i) / edge) * (level / hz.length);
			for (const f of hz)
				samples[first + i] = (samples[first + i] ?? 0) + loud * Math.sin((2 * Math.PI * f * i) / rate);
		}
	}
	return samples;
}
