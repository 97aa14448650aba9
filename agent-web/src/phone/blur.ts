import { Cell, type Value } from "./value.ts";

/**
 * How a picture is blurred: by the platform itself, by telling the person from
 * what is behind, or, where neither works, the whole of it.
 */
export type BlurWay = "platform" | "person" | "whole";

/** What blurring costs, of the last second. */
export interface BlurFigures {
	/** For one frame. */
	ms: number;
	framesPerSecond: number;
}

/** A camera whose background is blurred. */
export interface Blurring {
	/** What is shown: a track of its own. */
	readonly track: MediaStreamTrack;
	readonly way: BlurWay;
	readonly figures: Value<BlurFigures | null>;
	/** Ends it; the camera's own track goes on. */
	stop(): void;
}

/** Blurs the background of a camera's track; rejects where the browser cannot. */
export type Blur = (track: MediaStreamTrack) => Promise<Blurring>;

/** The platform's own blur (Media Capture Extensions), which TypeScript's DOM does not know yet. */
type Capabilities = MediaTrackCapabilities & { backgroundBlur?: boolean[] };

/** Blurs: by the platform where it can, else by ours, which is loaded when it is first wanted (3 MB). */
export const blur: Blur = async (track) => {
	const platform = await byPlatform(track);
	if (platform) return platform;
	const { blurStream } = await import("./blur-stream.ts");
	return blurStream(track);
};

/** Whether the system's camera can blur by itself; then it costs nothing. */
async function byPlatform(track: MediaStreamTrack): Promise<Blurring | null> {
	const { backgroundBlur } = (track.getCapabilities?.() ?? {}) as Capabilities;
	const set = (on: boolean) => track.applyConstraints({ backgroundBlur: on } as MediaTrackConstraints);
	if (!backgroundBlur?.includes(true)) return null;
	try {
		await set(true);
	} catch (error) {
		console.warn("the platform's blur does not work", error);
		return null;
	}
	if ((track.getSettings() as { backgroundBlur?: boolean }).backgroundBlur !== true) return null;
	const copy = track.clone();
	return {
		track: copy,
		way: "platform",
		figures: new Cell<BlurFigures | null>(null),
		stop: () => {
			copy.stop();
			if (backgroundBlur.includes(false)) void set(false).catch(() => undefined);
		},
	};
}
