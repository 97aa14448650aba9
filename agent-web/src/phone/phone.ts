import type { Camera } from "./camera.ts";
import { type Doc, ringing } from "./doc.ts";
import { Meter } from "./level.ts";
import type { NetworkFigures } from "./measure.ts";
import type { Microphone, MicState } from "./mic.ts";
import { measureNetwork } from "./network.ts";
import { type LinkQuality, Peer, type PeerState } from "./peer.ts";
import type { Playback } from "./playback.ts";
import type { AgentState, CommandFields, MediaReport, Role, Verb, Welcome } from "./protocol.ts";
import type { Screen } from "./screen.ts";
import { type Failure, type Link, SeatSocket, type SocketOptions, type Wire } from "./socket.ts";
import { type Intent, micIn, NO_INTENT, settle, UNHEARD, type Wish, wanted } from "./speech.ts";
import { Cell, type Value } from "./value.ts";
import { Video } from "./video.ts";
import type { FlowCallView, Supervision } from "./views.ts";

export interface PhoneOptions {
	role: Role;
	tab: string;
	dial: () => Wire;
	session: () => Promise<"good" | "gone" | "unknown">;
	frame?: SocketOptions["frame"];
	createPeer: (config: RTCConfiguration) => RTCPeerConnection;
	mic: Microphone;
	/** What can be shown. */
	camera: Camera;
	screen: Screen;
	/** A picture that comes on a track. */
	picture?: (name: string, stream: MediaStream) => void;
	playback: Playback;
	audio: AudioContext | null;
	/** The number before the first peer connection's. */
	firstPeer?: number;
}

/** The seat's phone as the views see it. Each part is one state, never two flags. */
export interface PhoneState {
	link: Link;
	/** Whether this tab is the phone: only then it has media. */
	tab: "unknown" | "phone" | "elsewhere";
	media: PeerState;
	mic: MicState;
	playback: "locked" | "unlocked";
}

const REPORT_MS = 5000;
const SILENT_MS = 10_000;
const RENEW_MS = 3000;

/**
 * Phone is the whole seat without a screen: the socket, the document, the
 * media and what the person asks for. Views draw its values and call its verbs.
 */
export class Phone {
	readonly socket: SeatSocket;
	readonly meter: Meter;
	readonly video: Video;
	#peer: Peer;
	#state: Cell<PhoneState>;
	#pending = new Cell<ReadonlySet<Verb>>(new Set());
	#intent: Intent = NO_INTENT;
	/** What of it waits for the server's word, as often as it was asked for: until then the document may be older. */
	#asking: (keyof Intent)[] = [];
	#welcome: { message: Welcome; epoch: "same" | "new" } | null = null;
	#timers: ReturnType<typeof setInterval>[] = [];
	#ways: (() => void)[] = [];
	#quietSince: number | null = null;
	#unreadySince: number | null = null;
	/** Whether the microphone was needed by what the document said last; for those who take no calls. */
	#needed: "yes" | "no" = "no";
	/** The network is being tested: the microphone is open towards the server, which sends it back. */
	#testing: "no" | "yes" = "no";

	constructor(private readonly options: PhoneOptions) {
		this.meter = new Meter(options.audio);
		this.socket = new SeatSocket(options, {
			welcome: (message, epoch) => this.#welcomed(message, epoch),
			tab: (phone) => this.#tab(phone),
			answer: (message) => void this.#peer.answer(message),
			candidate: (message) => this.#peer.candidate(message),
		});
		this.#peer = new Peer({
			create: options.createPeer,
			send: (message) => this.socket.send(message),
			stream: (name, stream) => options.playback.stream(name, stream),
			picture: options.picture,
			firstPeer: options.firstPeer,
		});
		this.video = new Video({
			camera: options.camera,
			screen: options.screen,
			ask: (fields) => this.onCall("video", fields),
			send: (picture) => this.#peer.show(picture),
		});
		this.#state = new Cell<PhoneState>({
			link: this.socket.link.now,
			tab: "unknown",
			media: this.#peer.state.now,
			mic: options.mic.state.now,
			playback: options.playback.state.now,
		});
	}

	get state(): Value<PhoneState> {
		return this.#state;
	}

	get doc(): Value<Doc> {
		return this.socket.store.doc;
	}

	/** The verbs that wait for the server's word. */
	get pending(): Value<ReadonlySet<Verb>> {
		return this.#pending;
	}

	/** Opens everything at once: the socket and, for those who take calls, the microphone. */
	start(): void {
		const { mic, playback } = this.options;
		if (this.options.role === "agent") mic.open();
		this.#ways.push(
			this.socket.link.follow((link) => this.#part({ link })),
			this.#peer.state.follow((media) => this.#part({ media })),
			mic.state.follow((state) => {
				this.#part({ mic: state });
				this.#report();
			}),
			mic.ear.follow((ear) => this.meter.watch(ear)),
			mic.track.follow(() => this.#speak()),
			playback.state.follow((state) => {
				this.#part({ playback: state });
				this.#report();
			}),
			this.doc.follow((doc) => {
				this.#settle(UNHEARD);
				this.#needMic(doc);
				this.#speak();
				this.#see();
			}),
		);
		this.#timers.push(
			setInterval(() => void this.#reportHeard(), REPORT_MS),
			setInterval(() => this.#watch(performance.now()), 1000),
		);
		this.socket.open();
	}

	/** Ends it: signed out. */
	stop(): void {
		for (const way of this.#ways.splice(0)) way();
		for (const timer of this.#timers.splice(0)) clearInterval(timer);
		this.video.follow(null, "no");
		this.#peer.stop();
		this.options.mic.close();
		this.socket.close("unauthorized");
	}

	/** The network is another one, or back: look for it at once. */
	networkChanged(): void {
		this.socket.nudge();
		this.#peer.reroute();
	}

	/** Sends the own sound to the server and back for ms, over the connection that calls use, and counts both ways. */
	async testNetwork(ms: number, signal: AbortSignal): Promise<NetworkFigures> {
		const failure = await this.do("echo", { on: true });
		if (failure) throw new Error(failure.message);
		this.#testing = "yes";
		this.#speak();
		try {
			return await measureNetwork(this.#peer, this.doc, ms, signal);
		} finally {
			this.#testing = "no";
			this.#speak();
			void this.do("echo", { on: false });
		}
	}

	/** The level watcher's last word on the own voice in a call. */
	speaks(): "none" | "open" | "muted" {
		const mode = micIn(this.doc.now.call, this.#intent, this.doc.now.listen);
		if (mode === "silent") return this.doc.now.call?.phase === "talking" ? "muted" : "none";
		return mode === "open" ? "open" : "none";
	}

	async quality(): Promise<LinkQuality | null> {
		const quality = await this.#peer.quality();
		this.video.carries(quality?.pictureBPS ?? null, Date.now());
		return quality;
	}

	takeOver(): void {
		this.socket.takeOver();
	}

	/** A click or a key: the browser may sound now; a refused microphone is asked for again. */
	touched(): void {
		this.options.playback.unlock();
	}

	askMic(): void {
		this.options.mic.open();
	}

	setState(state: AgentState, reason = ""): Promise<Failure | null> {
		return this.do("state", { state, reason });
	}

	/** The microphone opens on the click; the server's word follows. What rings beside a call sets that one aside. */
	async answer(): Promise<Failure | null> {
		const call = ringing(this.doc.now);
		if (!call) return null;
		return this.#intend({ answering: call.contact }, "answer", { contact: call.contact });
	}

	/**
	 * Whether the agent is muted, the call on hold, its recording paused, and the hand up: as they asked last, which the
	 * document says a little later.
	 */
	get muted(): boolean {
		return this.#asked(this.#intent.muting, this.doc.now.call?.muted === true);
	}

	get held(): boolean {
		return this.#asked(this.#intent.holding, this.doc.now.call?.phase === "hold");
	}

	get paused(): boolean {
		return this.#asked(this.#intent.pausing, this.doc.now.call?.recording === "paused");
	}

	get raised(): boolean {
		const { raising } = this.#intent;
		return raising === null ? this.doc.now.me?.hand === true : raising === "on";
	}

	#asked(wish: Wish | null, is: boolean): boolean {
		const want = wanted(wish, this.doc.now.call);
		return want === null ? is : want === "on";
	}

	mute(on: boolean): Promise<Failure | null> {
		return this.#intend({ muting: this.#wish(on) }, "mute", { on, contact: this.doc.now.call?.contact });
	}

	hold(on: boolean): Promise<Failure | null> {
		return this.#intend({ holding: this.#wish(on) }, "hold", { on, contact: this.doc.now.call?.contact });
	}

	pause(on: boolean): Promise<Failure | null> {
		return this.#intend({ pausing: this.#wish(on) }, "rec_pause", { on, contact: this.doc.now.call?.contact });
	}

	raise(on: boolean): Promise<Failure | null> {
		return this.#intend({ raising: on ? "on" : "off" }, "hand", { on });
	}

	#wish(on: boolean): Wish {
		return { contact: this.doc.now.call?.contact ?? "", want: on ? "on" : "off" };
	}

	/**
	 * What a supervisor does in a call. To be heard takes a microphone, which is
	 * asked for when it is first needed.
	 */
	async supervise(verb: Supervision | "takeover", contact: string): Promise<Failure | null> {
		if (verb !== "listen" && !(await this.#openMic())) {
			return { code: "microphone", message: "the microphone does not work" };
		}
		const failure = await this.do(verb, { contact });
		if (failure) this.spareMicrophone();
		return failure;
	}

	/** Any verb on the seat's call. */
	onCall(verb: Verb, fields: CommandFields = {}): Promise<Failure | null> {
		return this.do(verb, { contact: this.doc.now.call?.contact, ...fields });
	}

	/** Takes a parked call; the microphone opens on the click, as for an answer. */
	pickUp(contact: string): Promise<Failure | null> {
		return this.#intend({ answering: contact }, "pickup", { contact });
	}

	/** Calls a customer: a number, or the customer of an earlier call. */
	dial(fields: Pick<CommandFields, "number" | "contact" | "line">): Promise<Failure | null> {
		return this.do("dial", fields);
	}

	async do(verb: Verb, fields: CommandFields = {}): Promise<Failure | null> {
		this.#pending.set(new Set([...this.#pending.now, verb]));
		const failure = await this.socket.do(verb, fields);
		this.#pending.set(new Set([...this.#pending.now].filter((v) => v !== verb)));
		return failure;
	}

	async #intend(intent: Partial<Intent>, verb: Verb, fields: CommandFields): Promise<Failure | null> {
		const parts = Object.keys(intent) as (keyof Intent)[];
		this.#asking.push(...parts);
		this.#intent = { ...this.#intent, ...intent };
		this.#speak();
		const failure = await this.do(verb, fields);
		for (const k of parts) this.#asking.splice(this.#asking.indexOf(k), 1);
		if (failure) {
			const vain = parts.filter((k) => this.#intent[k] === intent[k]);
			this.#intent = { ...this.#intent, ...Object.fromEntries(vain.map((k) => [k, NO_INTENT[k]])) };
		}
		this.#settle();
		this.#speak();
		return failure;
	}

	#settle(over: Partial<Intent> = {}): void {
		const { call, me } = this.doc.now;
		const open = Object.fromEntries(this.#asking.map((k) => [k, this.#intent[k]]));
		this.#intent = { ...settle(this.#intent, call, me?.hand === true), ...over, ...open };
	}

	/** For a call from the flow editor, in which this seat is the customer; false when nobody would be heard. */
	openMicrophone(): Promise<boolean> {
		return this.#openMic();
	}

	/** What the microphone was opened for did not come about: it stays open for nobody who is not heard. */
	spareMicrophone(): void {
		if (this.options.role !== "agent" && this.#needed === "no") this.options.mic.close();
	}

	/** Opens the microphone and waits for it; false when it is refused or missing. */
	#openMic(): Promise<boolean> {
		const { mic } = this.options;
		mic.open();
		return new Promise((done) => {
			let leave: (() => void) | undefined;
			leave = mic.state.follow(({ at }) => {
				if (at === "asking" || at === "off") return;
				done(at === "ok" || at === "silent");
				queueMicrotask(() => leave?.());
			});
		});
	}

	/** A supervisor's microphone is open while they are heard: after a reload too, and no longer. */
	#needMic(doc: Doc): void {
		if (this.options.role === "agent" || this.#state.now.tab !== "phone") return;
		const heard = doc.call !== null || (doc.listen !== null && doc.listen.mode !== "listen") || ownCall(doc) !== null;
		if (heard) this.options.mic.open();
		else if (this.#needed === "yes") this.options.mic.close();
		this.#needed = heard ? "yes" : "no";
	}

	#part(part: Partial<PhoneState>): void {
		this.#state.set({ ...this.#state.now, ...part });
	}

	#welcomed(message: Welcome, epoch: "same" | "new"): void {
		this.#welcome = { message, epoch };
		if (this.#state.now.tab === "phone") this.#media();
	}

	#tab(phone: boolean): void {
		this.#part({ tab: phone ? "phone" : "elsewhere" });
		this.#see();
		if (phone) {
			if (this.options.role === "agent") this.options.mic.open();
			else this.#needMic(this.doc.now);
			// On a reconnect Welcome has started it already.
			if (this.#peer.state.now.at === "none") this.#media();
			this.#report();
			return;
		}
		this.#peer.stop();
		this.options.mic.close();
	}

	#media(): void {
		if (!this.#welcome) return;
		this.#peer.start(this.#welcome.message, this.#welcome.epoch);
		this.#speak();
		this.#report();
	}

	#speak(): void {
		const call = this.doc.now.call;
		const { listen } = this.doc.now;
		const needed = micIn(call, this.#intent, listen);
		const own = ownCall(this.doc.now);
		const mode = needed === "off" && (own || this.#testing === "yes") ? "open" : needed;
		const track = this.options.mic.track.now;
		if (track) track.enabled = mode === "open";
		this.#peer.speak({ track: mode === "off" ? null : track, codec: call?.codec ?? listen?.codec ?? own?.codec ?? "" });
	}

	#see(): void {
		this.video.follow(this.doc.now.call, this.#state.now.tab === "phone" ? "yes" : "no");
	}

	async #reportHeard(): Promise<void> {
		const heard = await this.#peer.heard().catch(() => null);
		this.#report(heard ? { samples: heard.samples, concealed: heard.concealed } : {});
	}

	#report(played: Pick<MediaReport, "samples" | "concealed"> = {}): void {
		const { tab, mic, playback } = this.#state.now;
		if (tab !== "phone" || mic.at === "asking") return;
		const microphone: MediaReport["microphone"] = mic.at === "off" ? "missing" : mic.at;
		this.socket.send({ type: "media", microphone, playback: playback === "unlocked", ...played });
	}

	/** Once a second: a microphone that gives nothing but zeros, a server that lost our media. */
	#watch(now: number): void {
		const { media, link, tab } = this.#state.now;
		const level = this.meter.read();
		const talking = micIn(this.doc.now.call, this.#intent, this.doc.now.listen) === "open";
		if (level !== null && level > -Infinity) this.options.mic.heard("sound");
		if (!talking || level !== -Infinity) this.#quietSince = null;
		else this.#quietSince ??= now;
		if (this.#quietSince !== null && now - this.#quietSince > SILENT_MS) this.options.mic.heard("silence");

		const me = this.doc.now.me;
		const lost = link.at === "live" && tab === "phone" && media.at === "ready" && me?.not_ready === "connection";
		if (!lost) this.#unreadySince = null;
		else this.#unreadySince ??= now;
		if (this.#unreadySince !== null && now - this.#unreadySince > RENEW_MS) {
			this.#unreadySince = null;
			this.#peer.renew();
		}
	}
}

/** The call from the flow editor that goes on, if there is one. */
function ownCall(doc: Doc): FlowCallView | null {
	return doc.flowCall?.ended === null ? doc.flowCall : null;
}
