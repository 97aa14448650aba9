import { Cell, type Value } from "./value.ts";
import type { HeadsetReport, Suppression } from "./views.ts";

/** A device that was chosen: found again by its id and, where a browser gave it a new one, by its name. */
export interface Wanted {
	id: string;
	label: string;
}

export const RINGS = ["classic", "soft", "phone"] as const;
export type Ring = (typeof RINGS)[number];

/** How this person's headset is used in this browser. null is what the system takes. */
export interface Sound {
	microphone: Wanted | null;
	speaker: Wanted | null;
	ringer: Wanted | null;
	noise: Suppression;
	/** Echo cancellation and automatic gain of the browser. */
	echo: "on" | "off";
	gain: "on" | "off";
	/** Of what the customer says, 0 to 1. */
	volume: number;
	ring: Ring;
	ringVolume: number;
	ringing: "sound" | "silent";
}

export const USUAL: Sound = {
	microphone: null,
	speaker: null,
	ringer: null,
	noise: "browser",
	echo: "on",
	gain: "on",
	volume: 1,
	ring: "classic",
	ringVolume: 0.6,
	ringing: "sound",
};

interface Stored {
	sound: Partial<Sound>;
	/** The last check of each microphone, by its name. */
	checks: Record<string, HeadsetReport>;
	/** Whether the check was offered and put off. */
	offer: "open" | "later";
}

/** How many microphones' checks are remembered. */
const KEPT = 8;

/** SoundBox remembers, for one person in this browser, what was chosen and what the checks found. */
export class SoundBox {
	#sound: Cell<Sound>;
	#stored: Stored;
	readonly #key: string;

	constructor(
		user: string,
		private readonly storage: Pick<Storage, "getItem" | "setItem"> | null,
	) {
		this.#key = `callfloor.sound.${user}`;
		this.#stored = this.#load();
		this.#sound = new Cell<Sound>(sane({ ...USUAL, ...this.#stored.sound }));
	}

	get sound(): Value<Sound> {
		return this.#sound;
	}

	get offer(): "open" | "later" {
		return this.#stored.offer;
	}

	set(part: Partial<Sound>): void {
		this.#sound.set(sane({ ...this.#sound.now, ...part }));
		this.#stored.sound = this.#sound.now;
		this.#save();
	}

	/** What the last check of a microphone found; null if it was never checked here. */
	checked(microphone: string): HeadsetReport | null {
		return this.#stored.checks[microphone] ?? null;
	}

	/** Keeps a check; the offer has been taken. */
	keep(report: HeadsetReport): void {
		const others = Object.entries(this.#stored.checks)
			.filter(([label]) => label !== report.microphone)
			.sort(([, a], [, b]) => (a.at < b.at ? 1 : -1))
			.slice(0, KEPT - 1);
		this.#stored.checks = Object.fromEntries([...others, [report.microphone, report]]);
		this.#stored.offer = "later";
		this.#save();
	}

	later(): void {
		this.#stored.offer = "later";
		this.#save();
	}

	#load(): Stored {
		const fresh: Stored = { sound: {}, checks: {}, offer: "open" };
		try {
			return { ...fresh, ...(JSON.parse(this.storage?.getItem(this.#key) ?? "{}") as Partial<Stored>) };
		} catch {
			return fresh;
		}
	}

	#save(): void {
		try {
			this.storage?.setItem(this.#key, JSON.stringify(this.#stored));
		} catch {
			// A browser that keeps nothing: the choice lasts until the reload.
		}
	}
}

/** What an older page, or a person, left in the storage must not break the phone. */
function sane(sound: Sound): Sound {
	const share = (n: unknown, usual: number) => (typeof n === "number" && n >= 0 && n <= 1 ? n : usual);
	const one = <T>(value: T, of: readonly T[], usual: T) => (of.includes(value) ? value : usual);
	return {
		...sound,
		noise: one(sound.noise, ["off", "browser", "rnnoise"], USUAL.noise),
		echo: one(sound.echo, ["on", "off"], USUAL.echo),
		gain: one(sound.gain, ["on", "off"], USUAL.gain),
		ring: one(sound.ring, RINGS, USUAL.ring),
		ringing: one(sound.ringing, ["sound", "silent"], USUAL.ringing),
		volume: share(sound.volume, USUAL.volume),
		ringVolume: share(sound.ringVolume, USUAL.ringVolume),
	};
}
