import type { FromServer, ToServer, Welcome } from "../src/phone/protocol.ts";
import type { Wire } from "../src/phone/socket.ts";

/** FakeWire is the server's end of a seat socket. */
export class FakeWire implements Wire {
	onopen: (() => void) | null = null;
	onmessage: ((event: { data: unknown }) => void) | null = null;
	onclose: (() => void) | null = null;
	sent: ToServer[] = [];
	state: "new" | "open" | "closed" = "new";

	send(data: string): void {
		this.sent.push(JSON.parse(data) as ToServer);
	}

	close(): void {
		this.state = "closed";
	}

	accept(): void {
		this.state = "open";
		this.onopen?.();
	}

	say(...messages: FromServer[]): void {
		for (const message of messages) this.onmessage?.({ data: JSON.stringify(message) });
	}

	/** The far end goes away. */
	cut(): void {
		this.state = "closed";
		this.onclose?.();
	}

	of<T extends ToServer["type"]>(type: T): (ToServer & { type: T })[] {
		return this.sent.filter((m) => m.type === type) as (ToServer & { type: T })[];
	}
}

export const WELCOME: Welcome = {
	type: "welcome",
	protocol: 1,
	epoch: "e1",
	user: "alice",
	role: "agent",
	now: "2026-11-23T00:00:00.000Z",
	ice_servers: [],
	tracks: ["customer", "third", "coach"],
};

export class FakeTrack extends EventTarget {
	enabled = true;
	state: "live" | "ended" = "live";
	copies: FakeTrack[] = [];
	constructor(
		readonly label = "Headset",
		readonly id = "h1",
	) {
		super();
	}
	getSettings(): MediaTrackSettings {
		return { deviceId: this.id };
	}
	clone(): FakeTrack {
		const copy = new FakeTrack(this.label, this.id);
		this.copies.push(copy);
		return copy;
	}
	/** The system takes its sound, or gives it back. */
	system(what: "mute" | "unmute"): void {
		this.dispatchEvent(new Event(what));
	}
	stop(): void {
		this.state = "ended";
	}
	unplug(): void {
		this.state = "ended";
		this.dispatchEvent(new Event("ended"));
	}
}

/** FakeDevices gives out tracks, or an error by name. */
export class FakeDevices extends EventTarget {
	asked = 0;
	answer: FakeTrack | string = new FakeTrack();
	constraints: MediaStreamConstraints | undefined;
	async getUserMedia(constraints: MediaStreamConstraints): Promise<MediaStream> {
		this.asked++;
		this.constraints = constraints;
		const { answer } = this;
		if (typeof answer === "string") throw Object.assign(new Error(answer), { name: answer });
		return { getAudioTracks: () => [answer], getTracks: () => [answer] } as unknown as MediaStream;
	}
}

interface Parameters {
	codecs: { mimeType: string; payloadType: number }[];
	encodings: { codec?: { mimeType: string } }[];
}

/** FakeSender writes down in which order it was told what. */
export class FakeSender {
	track: unknown = null;
	codec = "audio/opus";
	constructor(
		private readonly log: string[],
		private readonly pc: FakePeer,
	) {}
	getParameters(): Parameters {
		const names = this.pc.answered === "yes" ? ["opus", "PCMU", "PCMA"] : [];
		return { codecs: names.map((n, i) => ({ mimeType: `audio/${n}`, payloadType: i })), encodings: [{}] };
	}
	async setParameters(p: Parameters): Promise<void> {
		this.codec = p.encodings[0]?.codec?.mimeType ?? "";
		this.log.push(`codec ${this.codec}`);
		// A browser remembers what it was told.
		const before = this.getParameters.bind(this);
		this.getParameters = () => ({ ...before(), encodings: [{ codec: { mimeType: this.codec } }] });
	}
	async replaceTrack(track: unknown): Promise<void> {
		this.track = track;
		this.log.push(track ? "track on" : "track off");
	}
}

/** FakePeer is an RTCPeerConnection that connects when the test says so. */
export class FakePeer {
	log: string[] = [];
	answered: "no" | "yes" = "no";
	connectionState = "new";
	signalingState = "stable";
	localDescription: { sdp: string } | null = null;
	onicecandidate: ((e: { candidate: RTCIceCandidate | null }) => void) | null = null;
	onconnectionstatechange: (() => void) | null = null;
	directions: string[] = [];
	added: string[] = [];
	sender = new FakeSender(this.log, this);

	addTransceiver(_kind: string, init: { direction: string }) {
		this.directions.push(init.direction);
		return { receiver: { track: {} } };
	}
	getTransceivers() {
		const inbound = { type: "inbound-rtp", totalSamplesReceived: 8000, concealedSamples: 160 };
		const receiver = { getStats: async () => new Map([["inbound", inbound]]) };
		return this.directions.map(() => ({ sender: this.sender, receiver }));
	}
	async createOffer(options: { iceRestart?: boolean } = {}) {
		return { type: "offer", sdp: options.iceRestart ? "restart" : "v=0" };
	}
	async setLocalDescription(d: { type: string; sdp: string }): Promise<void> {
		this.signalingState = d.type === "rollback" ? "stable" : "have-local-offer";
		this.localDescription = d.type === "rollback" ? null : d;
	}
	async setRemoteDescription(): Promise<void> {
		this.answered = "yes";
		this.signalingState = "stable";
	}
	async addIceCandidate(c: { candidate: string }): Promise<void> {
		if (this.answered === "no") throw new Error("The remote description was null");
		this.added.push(c.candidate);
	}
	close(): void {
		this.connectionState = "closed";
	}
	move(state: string): void {
		this.connectionState = state;
		this.onconnectionstatechange?.();
	}
}

/** Lets everything that waits for a promise go on. */
export async function settled(): Promise<void> {
	for (let i = 0; i < 20; i++) await Promise.resolve();
}
