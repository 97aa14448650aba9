import type { Blur, BlurFigures, Blurring, BlurWay } from "./blur.ts";
import { DeviceList, type Devices, refusal, type Until } from "./devices.ts";
import { type Picture, PLAIN } from "./picture.ts";
import { Cell, type Value } from "./value.ts";

/**
 * Where the camera stands.
 *
 *	off ──open──► asking ──► ok
 *	 ▲              │         │ unplugged
 *	 │              ▼         ▼
 *	 └─close── denied | missing | ended
 *
 * A camera that goes is not replaced by another one: nobody knows what that
 * sees. missing says why; "blur" is that the background cannot be blurred
 * though it was asked for, in which case nothing is shown.
 */
export type CameraState =
	| { at: "off" }
	| { at: "asking" }
	| { at: "ok"; label: string; blur: "off" | "loading" | BlurWay }
	| { at: "denied" }
	| { at: "missing"; why: "no_device" | "insecure" | "in_use" | "blur" }
	| { at: "ended"; label: string };

/** Enough for a face, and little enough for two processors that blur it. */
const SIZE = { width: { ideal: 640 }, height: { ideal: 360 }, frameRate: { ideal: 24, max: 30 } };

export interface CameraOptions extends Until {
	picture?: Value<Picture>;
	list?: DeviceList;
	blur?: Blur;
}

/**
 * Camera owns the camera's track. Its light is honest: the device is let go the
 * moment it is closed, and open() is only called for somebody who looks, the
 * person themself in the preview or the others in a call.
 */
export class Camera {
	#state = new Cell<CameraState>({ at: "off" });
	#track = new Cell<MediaStreamTrack | null>(null);
	#figures = new Cell<BlurFigures | null>(null);
	#raw: MediaStreamTrack | null = null;
	#blurring: Blurring | null = null;
	#attempt = 0;
	readonly #picture: Value<Picture>;
	readonly #list: DeviceList;

	/** devices is undefined where the page is not served securely. */
	constructor(
		private readonly devices: Devices | undefined,
		private readonly options: CameraOptions = {},
	) {
		this.#picture = options.picture ?? new Cell(PLAIN);
		this.#list = options.list ?? new DeviceList(undefined);
		devices?.addEventListener("devicechange", () => void this.#look(), { signal: options.signal });
		let before = this.#picture.now;
		this.#picture.follow((picture) => {
			const other = picture.camera?.id !== before.camera?.id;
			const blurs = picture.blur !== before.blur;
			before = picture;
			if (!this.#raw) return;
			if (other) void this.open();
			else if (blurs) void this.#finish(this.#raw, ++this.#attempt);
		});
	}

	get state(): Value<CameraState> {
		return this.#state;
	}

	/** What is shown: blurred where that was asked for, and nothing until it is. */
	get track(): Value<MediaStreamTrack | null> {
		return this.#track;
	}

	/** What the blur costs; null when it is off, or the platform's own. */
	get figures(): Value<BlurFigures | null> {
		return this.#figures;
	}

	/** Opens the chosen camera, or the system's; false when there is nothing to show. */
	async open(): Promise<boolean> {
		const attempt = ++this.#attempt;
		if (!this.devices) {
			this.#state.set({ at: "missing", why: "insecure" });
			return false;
		}
		if (!this.#raw) this.#state.set({ at: "asking" });
		try {
			const raw = await this.#ask(this.devices);
			if (attempt !== this.#attempt) {
				raw?.stop();
				return false;
			}
			if (!raw) throw new DOMException("the browser gave a stream without a picture", "NotFoundError");
			this.#drop();
			this.#raw = raw;
			raw.addEventListener("ended", () => this.#ended(raw));
			await this.#list.refresh();
			return attempt === this.#attempt && (await this.#finish(raw, attempt));
		} catch (error) {
			if (attempt !== this.#attempt) return false;
			this.close();
			this.#state.set(refusal(error));
			return false;
		}
	}

	/** Lets the camera go: its light is out. */
	close(): void {
		this.#attempt++;
		this.#drop();
		this.#state.set({ at: "off" });
	}

	#ask(devices: Devices): Promise<MediaStreamTrack | undefined> {
		const lost = ["OverconstrainedError", "NotFoundError"];
		return this.#list.open("camera", this.#picture.now.camera, lost, async (id) => {
			const video = id ? { ...SIZE, deviceId: { exact: id } } : SIZE;
			return (await devices.getUserMedia({ video })).getVideoTracks()[0];
		});
	}

	/** Makes what is shown of what the camera sees. */
	async #finish(raw: MediaStreamTrack, attempt: number): Promise<boolean> {
		this.#unblur();
		const { label } = raw;
		if (this.#picture.now.blur === "off") {
			this.#state.set({ at: "ok", label, blur: "off" });
			this.#track.set(raw);
			return true;
		}
		// Who asks for blur does not want to be seen without it for as long as it loads.
		this.#track.set(null);
		this.#state.set({ at: "ok", label, blur: "loading" });
		const blurring = await (this.options.blur?.(raw) ?? Promise.reject(new Error("there is no blur"))).catch(
			(error: unknown) => {
				console.warn("the background cannot be blurred here", error);
				return null;
			},
		);
		if (attempt !== this.#attempt) {
			blurring?.stop();
			return false;
		}
		if (!blurring) {
			this.#unblurred();
			return false;
		}
		this.#blurring = blurring;
		// The blur fails while it runs: what is seen would stand still.
		blurring.track.addEventListener("ended", () => {
			if (this.#blurring === blurring && raw.readyState !== "ended") this.#unblurred();
		});
		this.#state.set({ at: "ok", label, blur: blurring.way });
		this.#track.set(blurring.track);
		blurring.figures.follow((figures) => {
			if (this.#blurring === blurring) this.#figures.set(figures);
		});
		return true;
	}

	/** The devices changed: is ours gone without a word? */
	async #look(): Promise<void> {
		await this.#list.refresh();
		const raw = this.#raw;
		const id = raw?.getSettings?.().deviceId ?? "";
		const cameras = this.#list.all.now.filter((d) => d.kind === "camera");
		if (!raw || id === "" || cameras.some((d) => d.id === id)) return;
		if (raw.readyState === "ended" || cameras.length > 0) this.#ended(raw);
	}

	#ended(raw: MediaStreamTrack): void {
		if (this.#raw !== raw) return;
		const { label } = raw;
		this.close();
		this.#state.set({ at: "ended", label });
	}

	/** Nothing is shown without the blur that was asked for. */
	#unblurred(): void {
		this.close();
		this.#state.set({ at: "missing", why: "blur" });
	}

	#unblur(): void {
		this.#blurring?.stop();
		this.#blurring = null;
		this.#figures.set(null);
	}

	#drop(): void {
		this.#track.set(null);
		this.#unblur();
		this.#raw?.stop();
		this.#raw = null;
	}
}
