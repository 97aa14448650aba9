/** A microphone whose room is quietened by us. */
export interface Suppressing {
	/** What is left; a track of its own, which is muted on its own. */
	readonly track: MediaStreamTrack;
	stop(): void;
}

/** Quietens a track; rejects where the browser cannot. The sound flows when it resolves. */
export type Suppress = (track: MediaStreamTrack) => Promise<Suppressing>;

/** RNNoise's only rate, in Hz. */
export const RATE = 48_000;

/**
 * Loads RNNoise when it is first wanted: 160 kB that nobody pays for who does
 * not use it.
 */
export function rnnoise(context: AudioContext | null): Suppress {
	return async (track) => {
		if (!context?.audioWorklet) throw new Error("this browser has no AudioWorklet");
		if (context.sampleRate !== RATE)
			throw new Error(`RNNoise needs ${RATE} Hz; this browser works at ${context.sampleRate}`);
		const { quieten } = await import("./rnnoise.ts");
		return quieten(context, track);
	};
}
