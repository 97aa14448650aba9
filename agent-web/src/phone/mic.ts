import { DeviceList, type Devices, refusal, type Until } from "./devices.ts";
import { type Sound, USUAL, type Wanted } from "./sound.ts";
import type { Suppress, Suppressing } from "./suppress.ts";
import { Cell, type Value } from "./value.ts";

export type { Devices } from "./devices.ts";

/**
 * Where the microphone stands.
 *
 *	off ──open──► asking ──► ok ◄──► silent
 *	                │         │ unplugged
 *	                ▼         ▼
 *	      denied | missing   ended ──► asking (another device, at once)
 *
 * denied and missing try again when the permission or the devices change. In
 * silent, "zeros" is a device that gives nothing, "muted" one that the system
 * has switched off.
 */
export type MicState =
	| { at: "off" }
	| { at: "asking" }
	| { at: "ok"; label: string }
	| { at: "silent"; label: string; why: "zeros" | "muted" }
	| { at: "denied" }
	| { at: "missing"; why: "no_device" | "insecure" | "in_use" }
	| { at: "ended" };

/** The microphone went to another device by itself, or came back to the chosen one. */
export interface Moved {
	kind: "away" | "back";
	from: string;
	to: string;
}

/** What quietens the room: loading is on its way, failed means that the browser's own does it instead. */
export type Quieting = "off" | "browser" | "rnnoise" | "loading" | "failed";

/** One open device. raw is what came from it; ear is a copy that is never muted; out is what is sent. */
interface Line {
	raw: MediaStreamTrack;
	ear: MediaStreamTrack;
	out: MediaStreamTrack;
	suppressing: Suppressing | null;
	device: Wanted;
}

export interface MicOptions extends Until {
	sound?: Value<Sound>;
	list?: DeviceList;
	suppress?: Suppress;
}

/** How long a device that was replaced goes on, so that the sender has the new one first. */
const OVERLAP_MS = 300;
/** How long the system may mute a device (a change of its Bluetooth profile does) until it is opened anew. */
const MUTED_MS = 2500;

/** Microphone owns the microphone's track and gets another one when it goes. */
export class Microphone {
	#state = new Cell<MicState>({ at: "off" });
	#track = new Cell<MediaStreamTrack | null>(null);
	#ear = new Cell<MediaStreamTrack | null>(null);
	#moved = new Cell<Moved | null>(null);
	#quieting = new Cell<Quieting>("off");
	#line: Line | null = null;
	#wanted: "open" | "closed" = "closed";
	#attempt = 0;
	/** The device that was used before it went, where none was chosen. */
	#home: Wanted | null = null;
	/** Where the sound was last. */
	#last: { label: string; place: "home" | "away" } | null = null;
	#muted: ReturnType<typeof setTimeout> | undefined;
	readonly #sound: Value<Sound>;
	readonly #list: DeviceList;

	/** devices is undefined where the page is not served securely. */
	constructor(
		private readonly devices: Devices | undefined,
		permission?: { addEventListener(type: "change", fn: () => void, options?: Until): void },
		private readonly options: MicOptions = {},
	) {
		this.#sound = options.sound ?? new Cell(USUAL);
		this.#list = options.list ?? new DeviceList(undefined);
		const again = () => {
			if (this.#wanted === "open" && !this.#line) void this.#ask();
		};
		const until: Until = { signal: options.signal };
		devices?.addEventListener("devicechange", () => (this.#line ? void this.#look() : again()), until);
		permission?.addEventListener("change", again, until);
		let before = this.#sound.now;
		this.#sound.follow((sound) => {
			const other = sound.microphone?.id !== before.microphone?.id;
			const changed = other || sound.noise !== before.noise || sound.echo !== before.echo || sound.gain !== before.gain;
			before = sound;
			if (other) this.#home = this.#last = null;
			if (changed && this.#wanted === "open") void this.#ask();
		});
	}

	get state(): Value<MicState> {
		return this.#state;
	}

	/** What is sent; its owner mutes it. */
	get track(): Value<MediaStreamTrack | null> {
		return this.#track;
	}

	/** The same device, never muted: for the meter and for who speaks though muted. It goes nowhere. */
	get ear(): Value<MediaStreamTrack | null> {
		return this.#ear;
	}

	get moved(): Value<Moved | null> {
		return this.#moved;
	}

	get quieting(): Value<Quieting> {
		return this.#quieting;
	}

	/** A copy of what is sent, never muted, for a recording of oneself; its owner stops it. */
	tap(): MediaStreamTrack | null {
		const copy = this.#line?.out.clone() ?? null;
		if (copy) copy.enabled = true;
		return copy;
	}

	/** Opens the same device once more with processing of its own, for a measurement; its owner stops it. */
	async probe(processing: MediaTrackConstraints): Promise<MediaStreamTrack> {
		if (!this.devices) throw new Error("the page is not served securely: no microphone");
		const id = this.#line?.device.id;
		const audio = id ? { ...processing, deviceId: { exact: id } } : processing;
		const track = (await this.devices.getUserMedia({ audio })).getAudioTracks()[0];
		if (!track) throw new Error("the browser gave a stream without sound");
		return track;
	}

	open(): void {
		if (this.#wanted === "open" && (this.#line || this.#state.now.at === "asking")) return;
		this.#wanted = "open";
		void this.#ask();
	}

	close(): void {
		this.#wanted = "closed";
		this.#attempt++;
		this.#install(null);
		this.#state.set({ at: "off" });
	}

	/** The level watcher says whether anything but digital silence comes. */
	heard(anything: "sound" | "silence"): void {
		const now = this.#state.now;
		if (now.at === "ok" && anything === "silence") {
			this.#state.set({ at: "silent", label: now.label, why: "zeros" });
		} else if (now.at === "silent" && anything === "sound") this.#state.set({ at: "ok", label: now.label });
	}

	/** The devices changed while one is open: is the wanted one back, or ours gone without a word? */
	async #look(): Promise<void> {
		await this.#list.refresh();
		const line = this.#line;
		if (!line || this.#wanted === "closed") return;
		const wanted = this.#list.find("microphone", this.#sound.now.microphone ?? this.#home);
		const back = wanted !== null && wanted.id !== line.device.id && wanted.label !== line.device.label;
		const known = this.#list.all.now.some((d) => d.kind === "microphone") && line.device.id !== "";
		const gone = known && this.#list.find("microphone", line.device) === null;
		if (gone) this.#home ??= line.device;
		if (back || gone) void this.#ask();
	}

	/** Opens the wanted device, or the system's. A line that is there goes on until the new one has come. */
	async #ask(): Promise<void> {
		const attempt = ++this.#attempt;
		if (!this.devices) return this.#state.set({ at: "missing", why: "insecure" });
		if (!this.#line) this.#state.set({ at: "asking" });
		try {
			const raw = await this.#open(this.devices);
			if (attempt === this.#attempt && raw) return await this.#take(raw, attempt);
			raw?.stop();
		} catch (error) {
			// With a line nothing is lost: what was asked for is tried again when the devices change.
			if (attempt === this.#attempt && !this.#line) this.#state.set(refusal(error));
			else console.warn("the microphone could not be changed", error);
		}
	}

	#open(devices: Devices): Promise<MediaStreamTrack | undefined> {
		const { microphone, noise, echo, gain } = this.#sound.now;
		const audio: MediaTrackConstraints = {
			echoCancellation: echo === "on",
			noiseSuppression: noise === "browser" || (noise === "rnnoise" && this.#quieting.now === "failed"),
			autoGainControl: gain === "on",
		};
		const lost = ["OverconstrainedError", "NotFoundError", "NotReadableError"];
		return this.#list.open("microphone", microphone ?? this.#home, lost, async (id) => {
			const wanted = id ? { ...audio, deviceId: { exact: id } } : audio;
			return (await devices.getUserMedia({ audio: wanted })).getAudioTracks()[0];
		});
	}

	/** Makes a line of a device. The room is quietened a moment later where nothing was heard before. */
	async #take(raw: MediaStreamTrack, attempt: number): Promise<void> {
		await this.#list.refresh();
		if (attempt !== this.#attempt) return raw.stop();
		const ear = raw.clone();
		ear.enabled = true;
		const line: Line = { raw, ear, out: raw, suppressing: null, device: this.#list.behind(raw) };
		const { noise } = this.#sound.now;
		if (noise !== "rnnoise" || !this.options.suppress || this.#quieting.now === "failed") {
			this.#install(line);
			this.#quieting.set(noise === "rnnoise" ? "failed" : noise);
			return;
		}
		if (!this.#line) this.#install(line);
		this.#quieting.set("loading");
		const suppressing = await this.options.suppress(ear).catch((error: unknown) => {
			console.warn("the noise suppression does not work here", error);
			return null;
		});
		if (attempt !== this.#attempt) {
			suppressing?.stop();
			if (this.#line !== line) drop(line);
			return;
		}
		this.#quieting.set(suppressing ? "rnnoise" : "failed");
		if (!suppressing) {
			if (this.#line !== line) drop(line);
			return void this.#ask(); // with the browser's own
		}
		const quiet: Line = { ...line, out: suppressing.track, suppressing };
		if (this.#line === line) this.#swap(quiet);
		else this.#install(quiet);
	}

	/** The same device with another way out. */
	#swap(line: Line): void {
		line.out.enabled = line.raw.enabled;
		this.#line = line;
		this.#track.set(line.out);
	}

	/** Puts a line in the place of the one before; null is none. */
	#install(line: Line | null): void {
		const before = this.#line;
		this.#line = line;
		clearTimeout(this.#muted);
		if (line) {
			this.#listen(line.raw);
			const { label } = line.device;
			// It may come muted by the system, and says so only when that changes.
			this.#state.set(line.raw.muted ? { at: "silent", label, why: "muted" } : { at: "ok", label });
			this.#tell(line.device);
		} else this.#quieting.set("off");
		this.#ear.set(line?.ear ?? null);
		this.#track.set(line?.out ?? null);
		if (before && line) setTimeout(() => drop(before), OVERLAP_MS);
		else if (before) drop(before);
		// It was unplugged while its room was quietened: nobody listened to it yet.
		if (line?.raw.readyState === "ended") this.#ended();
	}

	#listen(raw: MediaStreamTrack): void {
		const ours = () => this.#line?.raw === raw;
		raw.addEventListener("ended", () => {
			if (ours()) this.#ended();
		});
		raw.addEventListener("mute", () => {
			if (!ours() || !this.#line) return;
			this.#state.set({ at: "silent", label: this.#line.device.label, why: "muted" });
			clearTimeout(this.#muted);
			this.#muted = setTimeout(() => void this.#ask(), MUTED_MS);
		});
		raw.addEventListener("unmute", () => {
			if (!ours() || !this.#line) return;
			clearTimeout(this.#muted);
			this.#state.set({ at: "ok", label: this.#line.device.label });
		});
	}

	/** The device is gone: another one, at once. */
	#ended(): void {
		if (!this.#line) return;
		this.#home ??= this.#line.device;
		this.#install(null);
		this.#state.set({ at: "ended" });
		void this.#ask();
	}

	/** Says when the sound went to another device by itself, and when it is back. */
	#tell(device: Wanted): void {
		const wanted = this.#sound.now.microphone ?? this.#home;
		const home = !wanted || wanted.id === device.id || wanted.label === device.label;
		const before = this.#last;
		this.#last = { label: device.label, place: home ? "home" : "away" };
		if (!before && home) return;
		const from = before?.label ?? wanted?.label ?? "";
		if (from === device.label) return;
		if (!home) this.#moved.set({ kind: "away", from, to: device.label });
		else if (before?.place === "away") this.#moved.set({ kind: "back", from, to: device.label });
	}
}

function drop(line: Line): void {
	line.suppressing?.stop();
	line.ear.stop();
	line.raw.stop();
}
