import type { Wanted } from "./sound.ts";
import { Cell, type Value } from "./value.ts";

export interface Device extends Wanted {
	kind: "microphone" | "speaker" | "camera";
}

/** How long a listener listens: the browser's devices outlive the seat of who signs out. */
export interface Until {
	signal?: AbortSignal;
}

/** The part of navigator.mediaDevices that is used. */
export interface Devices {
	getUserMedia(constraints: MediaStreamConstraints): Promise<MediaStream>;
	addEventListener(type: "devicechange", fn: () => void, options?: Until): void;
	enumerateDevices?(): Promise<Pick<MediaDeviceInfo, "deviceId" | "label" | "kind">[]>;
}

const KINDS = { audioinput: "microphone", audiooutput: "speaker", videoinput: "camera" } as const;

/** What some browsers list beside the real devices: whatever the system takes at the moment. */
const ALIASES = ["", "default", "communications"];

/**
 * DeviceList is what is plugged in. Before the microphone was allowed browsers
 * tell no names, and the list is empty; cameras have theirs once a camera was allowed.
 */
export class DeviceList {
	#all = new Cell<readonly Device[]>([]);

	/** devices is undefined where the page is not served securely. */
	constructor(
		private readonly devices: Devices | undefined,
		until: Until = {},
	) {
		devices?.addEventListener("devicechange", () => void this.refresh(), until);
	}

	get all(): Value<readonly Device[]> {
		return this.#all;
	}

	async refresh(): Promise<void> {
		const found = (await this.devices?.enumerateDevices?.().catch(() => [])) ?? [];
		const all: Device[] = [];
		for (const { deviceId, label, kind } of found) {
			if (label === "" || ALIASES.includes(deviceId)) continue;
			all.push({ id: deviceId, label, kind: KINDS[kind] });
		}
		this.#all.set(all);
	}

	/** The chosen device if it is there: by its id, else by its name. */
	find(kind: Device["kind"], wanted: Wanted | null): Device | null {
		if (!wanted) return null;
		const some = this.#all.now.filter((d) => d.kind === kind);
		return some.find((d) => d.id === wanted.id) ?? some.find((d) => d.label === wanted.label) ?? null;
	}

	/**
	 * Opens the chosen device, and the system's where none was chosen or that one fails as `lost` says; get opens one
	 * by its id.
	 */
	async open<T>(
		kind: Device["kind"],
		wanted: Wanted | null,
		lost: readonly string[],
		get: (id?: string) => Promise<T>,
	): Promise<T> {
		if (!wanted) return get();
		try {
			return await get(this.find(kind, wanted)?.id ?? wanted.id);
		} catch (error) {
			if (!lost.includes(nameOf(error))) throw error;
			return get();
		}
	}

	/** The real device behind a track, which may have been opened as "Default - Headset". */
	behind(track: MediaStreamTrack): Wanted {
		const id = track.getSettings?.().deviceId ?? "";
		if (!ALIASES.includes(id)) return { id, label: track.label };
		const microphones = this.#all.now.filter((d) => d.kind === "microphone");
		const real = microphones.find((d) => track.label === d.label || track.label.endsWith(` - ${d.label}`));
		return real ? { id: real.id, label: real.label } : { id: "", label: track.label };
	}
}

function nameOf(error: unknown): string {
	return error instanceof Error || error instanceof DOMException ? error.name : "";
}

/** Why a device could not be opened (Media Capture and Streams, getUserMedia). */
export function refusal(error: unknown): { at: "denied" } | { at: "missing"; why: "no_device" | "in_use" } {
	switch (nameOf(error)) {
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
