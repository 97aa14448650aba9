import { Cell, type Value } from "./value.ts";

/** The part of navigator.mediaDevices that is used. */
export interface Screens {
	getDisplayMedia?(options: DisplayMediaStreamOptions): Promise<MediaStream>;
}

/** refused is also a person who closed the browser's choice without choosing. */
export type ScreenState = { at: "off" } | { at: "asking" } | { at: "ok" } | { at: "refused" } | { at: "unsupported" };

/** Letters must stay sharp; a screen changes seldom. */
const SIZE = { frameRate: { ideal: 10, max: 15 }, width: { max: 1920 }, height: { max: 1200 } };

/**
 * Screen is what is shared of one's screen. The browser asks which part of it
 * each time, says itself that it is shared, and may end it; nothing of this can
 * be remembered.
 */
export class Screen {
	#state = new Cell<ScreenState>({ at: "off" });
	#track = new Cell<MediaStreamTrack | null>(null);
	#attempt = 0;

	constructor(private readonly screens: Screens | undefined) {}

	get state(): Value<ScreenState> {
		return this.#state;
	}

	get track(): Value<MediaStreamTrack | null> {
		return this.#track;
	}

	/** Lets the person choose; false when nothing was. */
	async open(): Promise<boolean> {
		this.close();
		const attempt = ++this.#attempt;
		if (!this.screens?.getDisplayMedia) {
			this.#state.set({ at: "unsupported" });
			return false;
		}
		this.#state.set({ at: "asking" });
		try {
			const stream = await this.screens.getDisplayMedia({ video: SIZE, audio: false });
			const track = stream.getVideoTracks()[0];
			if (attempt !== this.#attempt || !track) {
				track?.stop();
				return false;
			}
			track.contentHint = "detail";
			track.addEventListener("ended", () => {
				if (this.#track.now === track) this.close();
			});
			this.#track.set(track);
			this.#state.set({ at: "ok" });
			return true;
		} catch (error) {
			if (attempt !== this.#attempt) return false;
			console.info("nothing of the screen was chosen", error);
			this.#state.set({ at: "refused" });
			return false;
		}
	}

	close(): void {
		this.#attempt++;
		this.#track.now?.stop();
		this.#track.set(null);
		this.#state.set({ at: "off" });
	}
}
