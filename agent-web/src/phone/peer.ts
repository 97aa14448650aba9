import { backoffMS } from "./backoff.ts";
import { type Outgoing, Outlet } from "./outlet.ts";
import type { Candidate, SDP, ToServer, Welcome } from "./protocol.ts";
import { Cell, type Value } from "./value.ts";

/**
 * Where the media connection stands. It is made at sign-in and kept warm;
 * when it fails a new one is made under the next number.
 *
 *	none ──start──► connecting ──► ready
 *	                   ▲             │ failed, or lost and an ICE restart in vain
 *	                   └── waiting ◄─┘
 */
export type PeerState =
	| { at: "none" }
	| { at: "connecting"; peer: number }
	| { at: "ready"; peer: number }
	| { at: "waiting"; peer: number };

export interface PeerOptions {
	create: (config: RTCConfiguration) => RTCPeerConnection;
	send: (message: ToServer) => boolean;
	stream: (name: string, stream: MediaStream) => void;
	/** A picture that comes under a name; it is empty until somebody shows something. */
	picture?: (name: string, stream: MediaStream) => void;
	/** The first number, so that a reloaded page does not repeat one. */
	firstPeer?: number;
}

/** How the media arrives, as the browser measures it. */
export interface LinkQuality {
	rttMS: number | null;
	lossPercent: number;
	jitterMS: number | null;
	/** What the network allows our own picture, in bit/s, where that is less than it wants; else null. */
	pictureBPS: number | null;
}

/** Packets of one track, as the browser counts them. */
export interface HeardCounts {
	received: number;
	lost: number;
	jitterMS: number;
	/** What was played, without the silence while nothing is sent, and what of that had to be invented. */
	samples: number;
	concealed: number;
}

const CONNECT_MS = 10_000;
/** How long an ICE restart may take before a whole new connection is made. */
const RESTART_MS = 4000;

/** Peer owns the seat's one peer connection. */
export class Peer {
	#state = new Cell<PeerState>({ at: "none" });
	#pc: RTCPeerConnection | null = null;
	#welcome: Welcome | null = null;
	#peer: number;
	#attempt = 0;
	#answered: "no" | "yes" = "no";
	/** The way through the network: lost is known here and could not be told to the server yet. */
	#path: "good" | "lost" | "restarting" = "good";
	#early: Candidate[] = [];
	#timer: ReturnType<typeof setTimeout> | undefined;
	readonly #voice: Outlet;
	readonly #picture: Outlet;

	constructor(private readonly options: PeerOptions) {
		this.#peer = options.firstPeer ?? 0;
		const agreed = () => this.#answered === "yes";
		const sender = (at: number) => this.#pc?.getTransceivers()[at]?.sender;
		this.#voice = new Outlet("audio", () => sender(0), agreed);
		const { pictures } = this;
		this.#picture = new Outlet(
			"video",
			() => (pictures() > 0 ? sender(this.#welcome?.tracks.length ?? 0) : undefined),
			agreed,
		);
	}

	get state(): Value<PeerState> {
		return this.#state;
	}

	/** Makes the connection, or keeps the one that is on its way or works. */
	start(welcome: Welcome, epoch: "same" | "new"): void {
		this.#welcome = welcome;
		if (epoch === "same" && this.#state.now.at === "ready") {
			if (this.#pc?.connectionState !== "connected" || this.#path === "lost") void this.#restart();
			return;
		}
		this.#attempt = 0;
		void this.#make();
	}

	stop(): void {
		this.#welcome = null;
		this.#close();
		this.#state.set({ at: "none" });
	}

	/** The network changed: ask for a new way now, not when the old one is given up. */
	reroute(): void {
		if (this.#state.now.at === "ready") void this.#restart();
	}

	/** A new connection now: the server says that it has none. */
	renew(): void {
		if (this.#path === "restarting") return; // it is about to have one again
		if (this.#welcome && this.#state.now.at === "ready") void this.#make();
	}

	/** Says what is heard of us. */
	speak(speech: Outgoing): void {
		this.#voice.send(speech);
	}

	/** Says what is seen of us. */
	show(picture: Outgoing): void {
		this.#picture.send(picture);
	}

	async answer(message: SDP): Promise<void> {
		const pc = this.#pc;
		if (!pc || message.peer !== this.#peer || pc.signalingState !== "have-local-offer") return;
		try {
			await pc.setRemoteDescription({ type: "answer", sdp: message.sdp });
		} catch (error) {
			console.warn("the server's answer was refused", error);
			if (this.#pc === pc) this.#again();
			return;
		}
		if (this.#pc !== pc) return;
		this.#answered = "yes";
		for (const candidate of this.#early.splice(0)) this.#add(pc, candidate);
		this.#send();
	}

	/** The server's candidates may come before its answer: they wait for it. */
	candidate(message: Candidate): void {
		if (!this.#pc || message.peer !== this.#peer) return;
		if (this.#answered === "no") this.#early.push(message);
		else this.#add(this.#pc, message);
	}

	/** What came on the customer's track so far, over this connection; null without one. */
	async heard(): Promise<HeardCounts | null> {
		const receiver = this.#state.now.at === "ready" ? this.#pc?.getTransceivers()[0]?.receiver : undefined;
		if (!receiver) return null;
		return readHeard([...(await receiver.getStats()).values()] as Record<string, unknown>[]);
	}

	async quality(): Promise<LinkQuality | null> {
		if (!this.#pc || this.#state.now.at !== "ready") return null;
		const stats = await this.#pc.getStats();
		return readQuality([...stats.values()] as Record<string, unknown>[]);
	}

	async #make(): Promise<void> {
		this.#close();
		const welcome = this.#welcome;
		if (!welcome) return;
		const peer = ++this.#peer;
		let pc: RTCPeerConnection | null = null;
		try {
			pc = this.options.create({ iceServers: welcome.ice_servers ?? [], bundlePolicy: "max-bundle" });
			this.#fit(pc, peer, welcome);
			await pc.setLocalDescription(await pc.createOffer());
		} catch (error) {
			console.warn("a connection could not be offered", error);
			if (this.#pc === pc) this.#again();
			return;
		}
		if (this.#pc !== pc) return;
		this.options.send({ type: "offer", sdp: pc.localDescription?.sdp ?? "", peer });
	}

	/** Gives a new connection its tracks, and follows it. */
	#fit(pc: RTCPeerConnection, peer: number, welcome: Welcome): void {
		this.#pc = pc;
		this.#state.set({ at: "connecting", peer });
		welcome.tracks.forEach((name, i) => {
			const transceiver = pc.addTransceiver("audio", { direction: i === 0 ? "sendrecv" : "recvonly" });
			this.options.stream(name, new MediaStream([transceiver.receiver.track]));
		});
		welcome.video?.forEach((name, i) => {
			const transceiver = pc.addTransceiver("video", { direction: i === 0 ? "sendrecv" : "recvonly" });
			this.options.picture?.(name, new MediaStream([transceiver.receiver.track]));
		});
		pc.onicecandidate = ({ candidate }) => this.#local(peer, candidate);
		pc.onconnectionstatechange = () => this.#moved(pc);
		this.#timer = setTimeout(() => this.#again(), CONNECT_MS);
		this.#send();
	}

	/**
	 * An ICE restart: a new way for the connection that is there. DTLS, tracks and the
	 * server's end stay, so that a change of networks costs no more than finding the way.
	 */
	async #restart(): Promise<void> {
		const pc = this.#pc;
		if (!pc || this.#path === "restarting" || pc.signalingState !== "stable") return;
		this.#path = "restarting";
		clearTimeout(this.#timer);
		this.#timer = setTimeout(() => {
			if (pc.connectionState === "connected") this.#path = "good";
			else this.#again();
		}, RESTART_MS);
		this.#answered = "no";
		this.#early = [];
		try {
			await pc.setLocalDescription(await pc.createOffer({ iceRestart: true }));
			if (this.#pc !== pc) return;
			if (this.options.send({ type: "offer", sdp: pc.localDescription?.sdp ?? "", peer: this.#peer })) return;
			// No socket: it comes back with a welcome, which starts this again.
			clearTimeout(this.#timer);
			await pc.setLocalDescription({ type: "rollback" });
			this.#answered = "yes";
			this.#path = "lost";
		} catch (error) {
			console.warn("the connection could not be routed anew", error);
			if (this.#pc === pc) this.#again();
		}
	}

	#send(): void {
		void this.#voice.apply();
		void this.#picture.apply();
	}

	#local(peer: number, candidate: RTCIceCandidate | null): void {
		const message: Candidate = { type: "candidate", peer, candidate: candidate?.candidate ?? "" };
		if (candidate?.sdpMid != null) message.sdpMid = candidate.sdpMid;
		if (candidate?.sdpMLineIndex != null) message.sdpMLineIndex = candidate.sdpMLineIndex;
		this.options.send(message);
	}

	#add(pc: RTCPeerConnection, { candidate, sdpMid, sdpMLineIndex }: Candidate): void {
		if (candidate === "") return;
		pc.addIceCandidate({ candidate, sdpMid: sdpMid ?? "0", sdpMLineIndex }).catch((error: unknown) =>
			console.warn("a candidate of the server was refused", error),
		);
	}

	#moved(pc: RTCPeerConnection): void {
		if (this.#pc !== pc) return;
		switch (pc.connectionState) {
			case "connected":
				clearTimeout(this.#timer);
				this.#attempt = 0;
				this.#path = "good";
				this.#state.set({ at: "ready", peer: this.#peer });
				return;
			case "disconnected":
				void this.#restart();
				return;
			case "failed":
			case "closed":
				this.#again();
		}
	}

	#again(): void {
		this.#close();
		if (!this.#welcome) return;
		this.#state.set({ at: "waiting", peer: this.#peer });
		// Quick once, then slowly: the server takes one offer in two seconds, and a few at once.
		const attempt = this.#attempt++;
		this.#timer = setTimeout(() => void this.#make(), backoffMS(attempt === 0 ? 0 : attempt + 3));
	}

	#close(): void {
		clearTimeout(this.#timer);
		this.#answered = "no";
		this.#path = "good";
		this.#early = [];
		const pc = this.#pc;
		this.#pc = null;
		if (!pc) return;
		pc.onicecandidate = pc.onconnectionstatechange = null;
		pc.close();
	}

	/** How many pictures the connection carries. */
	pictures = (): number => this.#welcome?.video?.length ?? 0;
}

/** Reads what a person wants to know out of RTCPeerConnection.getStats. */
export function readQuality(stats: Record<string, unknown>[]): LinkQuality {
	let rttMS: number | null = null;
	let jitterMS: number | null = null;
	let pictureBPS: number | null = null;
	let lost = 0;
	let received = 0;
	for (const s of stats) {
		if (
			s.type === "outbound-rtp" &&
			s.kind === "video" &&
			s.active !== false &&
			s.qualityLimitationReason === "bandwidth"
		) {
			pictureBPS = typeof s.targetBitrate === "number" ? s.targetBitrate : null;
		}
		if (s.type === "candidate-pair" && s.nominated && typeof s.currentRoundTripTime === "number") {
			rttMS = s.currentRoundTripTime * 1000;
		}
		// The sound's: what a picture loses is asked for again.
		if (s.type === "inbound-rtp" && s.kind !== "video" && Number(s.packetsReceived) > 0) {
			lost += Math.max(0, Number(s.packetsLost ?? 0));
			received += Number(s.packetsReceived);
			jitterMS = Math.max(jitterMS ?? 0, Number(s.jitter ?? 0) * 1000);
		}
	}
	return { rttMS, jitterMS, pictureBPS, lossPercent: lost + received === 0 ? 0 : (100 * lost) / (lost + received) };
}

/** Reads one receiver's packets out of its getStats. */
export function readHeard(stats: Record<string, unknown>[]): HeardCounts {
	const heard = { received: 0, lost: 0, jitterMS: 0, samples: 0, concealed: 0 };
	for (const s of stats) {
		if (s.type !== "inbound-rtp") continue;
		heard.received += Number(s.packetsReceived ?? 0);
		heard.lost += Number(s.packetsLost ?? 0);
		heard.jitterMS = Math.max(heard.jitterMS, Number(s.jitter ?? 0) * 1000);
		const silent = Number(s.silentConcealedSamples ?? 0);
		heard.samples += Math.max(0, Number(s.totalSamplesReceived ?? 0) - silent);
		heard.concealed += Math.max(0, Number(s.concealedSamples ?? 0) - silent);
	}
	return heard;
}
