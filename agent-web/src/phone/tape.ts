import type { Playback } from "./playback.ts";

/** Records a track; the result ends it. null where the browser cannot record. Nothing is kept but what is returned. */
export function record(track: MediaStreamTrack): () => Promise<Blob | null> {
	if (typeof MediaRecorder === "undefined") return async () => null;
	const recorder = new MediaRecorder(new MediaStream([track]));
	const parts: Blob[] = [];
	recorder.ondataavailable = ({ data }) => parts.push(data);
	recorder.start();
	return () =>
		new Promise((done) => {
			const all = () => done(new Blob(parts, { type: recorder.mimeType }));
			recorder.onstop = all;
			if (recorder.state === "inactive") all();
			else recorder.stop();
		});
}

/** Longest recording that is played, in ms. */
const LONGEST_MS = 10_000;

/** Plays a recording on the chosen loudspeaker, to its end. Rejects only when signal stops it. */
export async function replay(recorded: Blob, playback: Playback, signal: AbortSignal): Promise<void> {
	const url = URL.createObjectURL(recorded);
	const element = new Audio(url);
	try {
		await playback.direct(element);
		const ended = new Promise((done) => {
			element.onended = element.onerror = done;
		});
		await element.play();
		await Promise.race([ended, sleep(LONGEST_MS, signal)]);
	} catch (error) {
		signal.throwIfAborted();
		console.warn("the recording could not be played back", error);
	} finally {
		element.pause();
		URL.revokeObjectURL(url);
	}
}

/** Waits ms; rejects when signal says so. */
export function sleep(ms: number, signal: AbortSignal): Promise<void> {
	return new Promise((done, fail) => {
		if (signal.aborted) return fail(signal.reason as Error);
		const stop = () => {
			clearTimeout(timer);
			fail(signal.reason as Error);
		};
		const timer = setTimeout(() => {
			signal.removeEventListener("abort", stop);
			done();
		}, ms);
		signal.addEventListener("abort", stop, { once: true });
	});
}
