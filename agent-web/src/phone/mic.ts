import { Cell, type Value } from "./value.ts";

/**
 * Where the microphone stands.
 *
 *	off ──open──► asking ──► ok ◄──► silent
 *	                │         │ unplugged
 *	                ▼         ▼
 *	      denied | missing   ended ──► asking (another device, at once)
 *
 * denied and missing try again when the permission or the devices change.
 */
export type MicState =
	| { at: "off" }
	| { at: "asking" }
	| { at: "ok"; label: string }
	| { at: "silent"; label: string }
	| { at: "denied" }
	| { at: "missing"; why: "no_device" | "insecure" | "in_use" }
	| { at: "ended" };

/** The part of navigator.mediaDevices that is used. */
export interface Devices {
	getUserMedia(constraints: MediaStreamConstraints): Promise<MediaStream>;
	addEventListener(type: "devicechange", fn: () => void): void;
}

/** Microphone owns the microphone's track and gets another one when it goes. */
export class Microphone {
	#state = new Cell<MicState>({ at: "off" });
	#track = new Cell<MediaStreamTrack | null>(null);
	#wanted: "open" | "closed" = "closed";
	#attempt = 0;

	/** devices is undefined where the page is not served securely. */
	constructor(
		private readonly devices: Devices | undefined,
		permission?: { addEventListener(type: "change", fn: () => void): void },
	) {
		const again = () => {
			if (this.#wanted === "open" && !this.#track.now) void this.#ask();
		};
		devices?.addEventListener("devicechange", again);
		permission?.addEventListener("change", again);
	}

	get state(): Value<MicState> {
		return this.#state;
	}

	get track(): Value<MediaStreamTrack | null> {
		return this.#track;
	}

	open(): void {
		if (this.#wanted === "open" && (this.#track.now || this.#state.now.at === "asking")) return;
		this.#wanted = "open";
		void this.#ask();
	}

	close(): void {
		this.#wanted = "closed";
		this.#attempt++;
		this.#release();
		this.#state.set({ at: "off" });
	}

	/** The level watcher says whether anything but digital silence comes. */
	heard(anything: "sound" | "silence"): void {
		const now = this.#state.now;
		if (now.at === "ok" && anything === "silence") this.#state.set({ at: "silent", label: now.label });
		else if (now.at === "silent" && anything === "sound") this.#state.set({ at: "ok", label: now.label });
	}

	async #ask(): Promise<void> {
		const attempt = ++this.#attempt;
		if (!this.devices) return this.#state.set({ at: "missing", why: "insecure" });
		this.#state.set({ at: "asking" });
		try {
			const stream = await this.devices.getUserMedia({
				audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true },
			});
			const track = stream.getAudioTracks()[0];
			if (attempt !== this.#attempt || !track) {
				for (const t of stream.getTracks()) t.stop();
				return;
			}
			this.#use(track);
		} catch (error) {
			if (attempt === this.#attempt) this.#state.set(micError(error));
		}
	}

	#use(track: MediaStreamTrack): void {
		track.addEventListener("ended", () => {
			if (this.#track.now !== track) return;
			this.#release();
			this.#state.set({ at: "ended" });
			void this.#ask();
		});
		this.#state.set({ at: "ok", label: track.label });
		this.#track.set(track);
	}

	#release(): void {
		this.#track.now?.stop();
		this.#track.set(null);
	}
}

function micError(error: unknown): MicState {
	switch (error instanceof Error ? error.name : "") {
		case "NotAllowedError":
		case "SecurityError":
			return { at: "denied" };
		case "NotReadableError":
		case "AbortError":
			return { at: "missing", why: "in_use" };
		default:
			return { at: "missing", why: "no_device" };
	}
}
