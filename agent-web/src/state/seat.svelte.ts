import type { Api } from "../api/client.ts";
import type { Session } from "../api/types.ts";
import { type BlurFigures, blur } from "../phone/blur.ts";
import type { Act as Pressed } from "../phone/buttons.ts";
import { Camera, type CameraState } from "../phone/camera.ts";
import { HeadsetCheck } from "../phone/check.ts";
import { type Device, DeviceList } from "../phone/devices.ts";
import { type Doc, EMPTY_DOC } from "../phone/doc.ts";
import { Headset } from "../phone/headset.ts";
import { type Hint, Hints } from "../phone/hints.ts";
import { Microphone, type MicState } from "../phone/mic.ts";
import { Pace } from "../phone/pace.ts";
import type { LinkQuality } from "../phone/peer.ts";
import { Phone, type PhoneState } from "../phone/phone.ts";
import { type Picture, PictureBox, PLAIN } from "../phone/picture.ts";
import { Playback } from "../phone/playback.ts";
import type { Verb } from "../phone/protocol.ts";
import { Ringer } from "../phone/ringer.ts";
import { Screen } from "../phone/screen.ts";
import type { Wire } from "../phone/socket.ts";
import { type Sound, SoundBox, USUAL } from "../phone/sound.ts";
import { RATE, rnnoise } from "../phone/suppress.ts";
import { tabName } from "../phone/tab.ts";
import type { VideoState } from "../phone/video.ts";
import type { HeadsetReport } from "../phone/views.ts";

/** Seat is the phone made visible: Svelte state that follows the phone's values. */
export class Seat {
	readonly phone: Phone;
	readonly playback: Playback;
	readonly audio: AudioContext | null;
	readonly mic: Microphone;
	readonly devices: DeviceList;
	readonly box: SoundBox;
	readonly ringer: Ringer;
	readonly headset: Headset;
	readonly check: HeadsetCheck;
	readonly camera: Camera;
	readonly screen: Screen;
	readonly pictures: PictureBox;
	/** What a button of the headset asks for; the desk takes it. */
	pressed: (act: Pressed) => void = () => undefined;
	doc = $state.raw<Doc>(EMPTY_DOC);
	/** Whether a whole document has been there: one's own line comes last. Before, a page would move with each list. */
	begun = $state(false);
	state = $state.raw<PhoneState>() as PhoneState;
	pending = $state.raw<ReadonlySet<Verb>>(new Set());
	quality = $state.raw<LinkQuality | null>(null);
	/** dBFS of the microphone, null when it is not measured. */
	level = $state<number | null>(null);
	hint = $state<Hint>("none");
	sound = $state.raw<Sound>(USUAL);
	/** How the camera is used, what it is doing, what it shows, and what is shown of us. */
	picture = $state.raw<Picture>(PLAIN);
	cameraNow = $state.raw<CameraState>({ at: "off" });
	own = $state.raw<MediaStreamTrack | null>(null);
	shared = $state.raw<MediaStreamTrack | null>(null);
	/** What the blur costs. */
	blurring = $state.raw<BlurFigures | null>(null);
	video = $state.raw<VideoState>() as VideoState;
	/** The pictures of others, by their track. */
	seen = $state.raw<Readonly<Record<string, MediaStream>>>({});
	devicesNow = $state.raw<readonly Device[]>([]);
	/** What the last check of the microphone in use found, and whether a first one is still offered. */
	report = $state.raw<HeadsetReport | null>(null);
	offer = $state<"open" | "later">("later");
	#timers: ReturnType<typeof setInterval>[] = [];
	#gone = new AbortController();
	#pace = new Pace(nextFrame, () => document.hidden);

	constructor(api: Api, session: Session) {
		const { signal } = this.#gone;
		this.audio = context();
		this.box = new SoundBox(session.user, storage());
		const { sound } = this.box;
		this.offer = this.box.offer;
		this.devices = new DeviceList(navigator.mediaDevices, { signal });
		this.playback = new Playback(this.audio, sound, this.devices);
		this.ringer = new Ringer(this.audio, sound, this.devices);
		this.headset = new Headset(navigator.hid, (act) => this.pressed(act));
		const suppress = rnnoise(this.audio);
		const list = this.devices;
		this.mic = new Microphone(navigator.mediaDevices, this.#permission(), { sound, list, suppress, signal });
		this.pictures = new PictureBox(session.user, storage());
		this.camera = new Camera(navigator.mediaDevices, { picture: this.pictures.picture, list, blur, signal });
		this.screen = new Screen(navigator.mediaDevices);
		this.phone = new Phone({
			role: session.role,
			tab: tab(),
			dial,
			frame: this.#pace.soon,
			session: () =>
				api.session().then(
					() => "good" as const,
					(e: { status?: number }) => (e.status === 401 ? ("gone" as const) : ("unknown" as const)),
				),
			createPeer: (config) => new RTCPeerConnection(config),
			mic: this.mic,
			camera: this.camera,
			screen: this.screen,
			picture: (name, stream) => {
				this.seen = { ...this.seen, [name]: stream };
			},
			playback: this.playback,
			audio: this.audio,
		});
		this.video = this.phone.video.state.now;
		this.check = new HeadsetCheck({
			mic: this.mic,
			playback: this.playback,
			ringer: this.ringer,
			audio: this.audio,
			network: (ms, signal) => this.phone.testNetwork(ms, signal),
			suppression: () => sound.now.noise,
		});
		this.state = this.phone.state.now;
	}

	/** Svelte's state follows what the camera and the screen do. */
	#watch(): void {
		this.pictures.picture.follow((picture) => {
			this.picture = picture;
		});
		this.camera.state.follow((state) => {
			this.cameraNow = state;
		});
		this.camera.track.follow((track) => {
			this.own = track;
		});
		this.camera.figures.follow((figures) => {
			this.blurring = figures;
		});
		this.screen.track.follow((track) => {
			this.shared = track;
		});
		this.phone.video.state.follow((video) => {
			this.video = video;
		});
	}

	start(): void {
		const { signal } = this.#gone;
		this.#watch();
		this.phone.doc.follow((doc) => {
			this.doc = doc;
			this.begun ||= doc.me !== null;
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
			addEventListener(
				touch,
				() => {
					this.#pace.touched();
					this.phone.touched();
				},
				{ signal, capture: true },
			);
		}
		this.#timers.push(
			setInterval(() => this.#listen(), 150),
			setInterval(async () => {
				this.quality = await this.phone.quality();
			}, 2000),
		);
		this.box.sound.follow((sound) => {
			this.sound = sound;
		});
		this.devices.all.follow((all) => {
			this.devicesNow = all;
		});
		this.phone.state.follow(({ link, tab, mic }) => this.#tellHeadset(link.at === "live" && tab === "phone", mic));
		void this.headset.look();
		this.phone.start();
	}

	/** Keeps what a check found, here and at the server. */
	checked(report: HeadsetReport): void {
		this.box.keep(report);
		this.offer = "later";
		this.report = report;
		this.#told = report.at;
		void this.phone.do("headset", { headset: report });
	}

	stop(): void {
		this.#gone.abort();
		for (const timer of this.#timers) clearInterval(timer);
		this.check.stop();
		this.phone.video.preview("off");
		this.ringer.close();
		void this.headset.close();
		this.phone.stop();
		void this.audio?.close();
	}

	/** Puts the offer of a check off, for good. */
	later(): void {
		this.box.later();
		this.offer = "later";
	}

	#hints = new Hints();
	#listen(): void {
		const sound = this.phone.meter.loudness();
		this.level = sound?.level ?? null;
		this.hint = this.#hints.feed(performance.now(), sound, this.phone.speaks());
	}

	/** The server forgets at a restart: a seat that comes up says again what the check of this very headset found. */
	#told = "";
	#tellHeadset(up: boolean, mic: MicState): void {
		if (mic.at === "ok") this.report = this.box.checked(mic.label);
		if (!up || mic.at !== "ok") {
			if (!up) this.#told = "";
			return;
		}
		const report = this.box.checked(mic.label);
		if (!report || this.#told === report.at) return;
		this.#told = report.at;
		void this.phone.do("headset", { headset: report });
	}

	#permission(): EventTarget {
		const changes = new EventTarget();
		navigator.permissions
			?.query({ name: "microphone" as PermissionName })
			.then((status) => {
				const tell = () => changes.dispatchEvent(new Event("change"));
				status.addEventListener("change", tell, { signal: this.#gone.signal });
			})
			.catch(() => undefined); // a browser without this permission's name
		return changes;
	}
}

/** One for everything: the meter, the ringer, the suppression, which needs this very rate. */
function context(): AudioContext | null {
	if (!("AudioContext" in window)) return null;
	// Firefox takes no microphone into a context of another rate than the system's, not even to measure it.
	if (navigator.userAgent.includes("Firefox/")) return new AudioContext();
	try {
		return new AudioContext({ sampleRate: RATE, latencyHint: "interactive" });
	} catch {
		return new AudioContext(); // a browser with one rate of its own
	}
}

/** null where the browser keeps nothing. */
export function storage(): Storage | null {
	try {
		return localStorage;
	} catch {
		return null;
	}
}

let name: string | undefined;

/** The tab's name is read once: it is taken out of the storage when it is read. */
function tab(): string {
	name ??= tabName(sessionStorage, window);
	return name;
}

/** A page that nobody sees gets no frames: there nothing waits. A window that is covered may get none either. */
function nextFrame(run: () => void): void {
	if (document.hidden) return run();
	const late = setTimeout(once, 200);
	const frame = requestAnimationFrame(once);
	function once() {
		clearTimeout(late);
		cancelAnimationFrame(frame);
		run();
	}
}

function dial(): Wire {
	const url = new URL("/api/v1/seat", location.href);
	url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
	return new WebSocket(url) as unknown as Wire;
}
