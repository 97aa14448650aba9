import type { Loudness } from "./level.ts";

/** What a person should know about their own voice. */
export type Hint = "none" | "muted" | "clipping";

/** Above the room by this much is a voice. */
const VOICE_DB = 12;
/** Below this nobody speaks into a headset. */
const FAINT_DB = -50;
/** How fast the room may get louder, dB a second: a fan that starts is the room soon, a sentence is not. */
const ROOM_RISE = 1;
const SPOKEN_MS = 600;
const OF_MS = 1500;
const CLIPPED = 0.985;
const CLIPS = 3;
const CLIPS_MS = 3000;
const SHOWN_MS = 4000;

/** Hints watches the own voice: speaking though muted, and too loud for the microphone. */
export class Hints {
	#room = 0;
	#spoken: { at: number; ms: number }[] = [];
	#clips: number[] = [];
	#last = 0;
	#shown: { hint: Hint; until: number } = { hint: "none", until: 0 };

	/** Takes one reading; now is in ms, muted says whether a call cannot hear it. */
	feed(now: number, sound: Loudness | null, call: "none" | "open" | "muted"): Hint {
		const passed = Math.min(500, Math.max(0, now - this.#last));
		this.#last = now;
		if (sound) this.#take(now, passed, sound);
		if (call !== "muted") this.#spoken = [];
		const spoken = this.#spoken.reduce((sum, s) => sum + s.ms, 0);
		if (call === "muted" && spoken >= SPOKEN_MS) this.#shown = { hint: "muted", until: now + SHOWN_MS };
		else if (call === "open" && this.#clips.length >= CLIPS) this.#shown = { hint: "clipping", until: now + SHOWN_MS };
		const fits = (this.#shown.hint === "muted") === (call === "muted") && call !== "none";
		return fits && now < this.#shown.until ? this.#shown.hint : "none";
	}

	#take(now: number, passed: number, { level, peak }: Loudness): void {
		const heard = Math.max(-90, level);
		this.#room = Math.min(heard, this.#room + (ROOM_RISE * passed) / 1000);
		if (heard > FAINT_DB && heard > this.#room + VOICE_DB) this.#spoken.push({ at: now, ms: passed });
		if (peak >= CLIPPED) this.#clips.push(now);
		this.#spoken = this.#spoken.filter((s) => now - s.at <= OF_MS);
		this.#clips = this.#clips.filter((at) => now - at <= CLIPS_MS);
	}
}
