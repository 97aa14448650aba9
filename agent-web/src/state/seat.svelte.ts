import type { Api } from "../api/client.ts";
import type { Session } from "../api/types.ts";
import { type Doc, EMPTY_DOC } from "../phone/doc.ts";
import { Microphone } from "../phone/mic.ts";
import type { LinkQuality } from "../phone/peer.ts";
import { Phone, type PhoneState } from "../phone/phone.ts";
import { Playback } from "../phone/playback.ts";
import type { Verb } from "../phone/protocol.ts";
import type { Wire } from "../phone/socket.ts";
import { tabName } from "../phone/tab.ts";

/** Seat is the phone made visible: Svelte state that follows the phone's values. */
export class Seat {
	readonly phone: Phone;
	readonly playback: Playback;
	readonly audio: AudioContext | null;
	doc = $state.raw<Doc>(EMPTY_DOC);
	state = $state.raw<PhoneState>() as PhoneState;
	pending = $state.raw<ReadonlySet<Verb>>(new Set());
	quality = $state.raw<LinkQuality | null>(null);
	/** dBFS of the microphone, null when it is not measured. */
	level = $state<number | null>(null);
	#timers: ReturnType<typeof setInterval>[] = [];
	#gone = new AbortController();

	constructor(api: Api, session: Session) {
		this.audio = "AudioContext" in window ? new AudioContext() : null;
		this.playback = new Playback(this.audio);
		this.phone = new Phone({
			role: session.role,
			tab: tab(),
			dial,
			session: () =>
				api.session().then(
					() => "good" as const,
					(e: { status?: number }) => (e.status === 401 ? ("gone" as const) : ("unknown" as const)),
				),
			createPeer: (config) => new RTCPeerConnection(config),
			mic: new Microphone(navigator.mediaDevices, this.#permission()),
			playback: this.playback,
			audio: this.audio,
		});
		this.state = this.phone.state.now;
	}

	start(): void {
		const { signal } = this.#gone;
		this.phone.doc.follow((doc) => {
			this.doc = doc;
		});
		this.phone.state.follow((state) => {
			this.state = state;
		});
		this.phone.pending.follow((pending) => {
			this.pending = pending;
		});
		const nudge = () => this.phone.socket.nudge();
		addEventListener("online", () => this.phone.networkChanged(), { signal });
		document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && nudge(), { signal });
		for (const touch of ["pointerdown", "keydown"]) {
			addEventListener(touch, () => this.phone.touched(), { signal, capture: true });
		}
		this.#timers.push(
			setInterval(() => {
				this.level = this.phone.meter.read();
			}, 150),
			setInterval(async () => {
				this.quality = await this.phone.quality();
			}, 2000),
		);
		this.phone.start();
	}

	stop(): void {
		this.#gone.abort();
		for (const timer of this.#timers) clearInterval(timer);
		this.phone.stop();
		void this.audio?.close();
	}

	#permission(): EventTarget {
		const changes = new EventTarget();
		navigator.permissions
			?.query({ name: "microphone" as PermissionName })
			.then((status) => status.addEventListener("change", () => changes.dispatchEvent(new Event("change"))))
			.catch(() => undefined); // a browser without this permission's name
		return changes;
	}
}

let name: string | undefined;

/** The tab's name is read once: it is taken out of the storage when it is read. */
function tab(): string {
	name ??= tabName(sessionStorage, window);
	return name;
}

function dial(): Wire {
	const url = new URL("/api/v1/seat", location.href);
	url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
	return new WebSocket(url) as unknown as Wire;
}
